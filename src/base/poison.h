/* SPDX-License-Identifier: Apache-2.0 */
/* poison.h: tells AddressSanitizer about memory that does not come from malloc, so that it finds in
 * a slab what it finds on the heap. Nothing without it. */
#ifndef BASE_POISON_H
#define BASE_POISON_H

#include <stddef.h>

#ifndef __has_feature
#define __has_feature(name) 0
#endif

#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)

#include <sanitizer/asan_interface.h>
#include <sanitizer/lsan_interface.h>

/* Nobody may touch these bytes until they are unpoisoned; in units of 8. */
static inline void poison(const void *bytes, size_t len)
{
    __asan_poison_memory_region(bytes, len);
}
static inline void unpoison(const void *bytes, size_t len)
{
    __asan_unpoison_memory_region(bytes, len);
}
/* Pointers in there keep what they point at from being reported as a leak. */
static inline void leaks_look_into(const void *bytes, size_t len)
{
    __lsan_register_root_region(bytes, len);
}
static inline void leaks_look_away(const void *bytes, size_t len)
{
    __lsan_unregister_root_region(bytes, len);
}

#else

static inline void poison(const void *bytes, size_t len)
{
    (void)bytes;
    (void)len;
}
static inline void unpoison(const void *bytes, size_t len)
{
    (void)bytes;
    (void)len;
}
static inline void leaks_look_into(const void *bytes, size_t len)
{
    (void)bytes;
    (void)len;
}
static inline void leaks_look_away(const void *bytes, size_t len)
{
    (void)bytes;
    (void)len;
}

#endif

#endif
