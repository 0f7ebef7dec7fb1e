/* SPDX-License-Identifier: Apache-2.0 */
/* heap_bytes.h: how many bytes of malloc are in use, with the sanitizers' allocators too. */
#ifndef TESTS_HEAP_BYTES_H
#define TESTS_HEAP_BYTES_H

#include <malloc.h>
#include <stddef.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define HEAP_IS_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define HEAP_IS_SANITIZED 1
#endif
#endif

#ifdef HEAP_IS_SANITIZED
size_t __sanitizer_get_current_allocated_bytes(void);
static inline size_t heap_bytes(void)
{
    return __sanitizer_get_current_allocated_bytes();
}
#else
static inline size_t heap_bytes(void)
{
    struct mallinfo2 info = mallinfo2();

    return info.uordblks + info.hblkhd;
}
#endif

#endif
