/* SPDX-License-Identifier: Apache-2.0 */
/* counted_heap.h: counts what our own code takes from the heap and gives back to it. The test is
 * linked with
 * --wrap for each of these functions; what libraries take inside themselves comes in through the
 * doors that they have for it (counted_heap_open). One file of a test includes it. */
#ifndef TESTS_COUNTED_HEAP_H
#define TESTS_COUNTED_HEAP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <openssl/crypto.h>
#include <uv.h>

static atomic_ulong counted_taken, counted_given;
static atomic_bool counted_is_on;
static _Thread_local bool counted_is_looked_over; /* what this thread takes is a test's own */

void *__real_malloc(size_t bytes);
void *__real_calloc(size_t count, size_t bytes);
void *__real_realloc(void *old, size_t bytes);
void *__real_aligned_alloc(size_t alignment, size_t bytes);
void __real_free(void *old);
void *__wrap_malloc(size_t bytes);
void *__wrap_calloc(size_t count, size_t bytes);
void *__wrap_realloc(void *old, size_t bytes);
void *__wrap_aligned_alloc(size_t alignment, size_t bytes);
void __wrap_free(void *old);

static bool counted_counts(void)
{
    return !counted_is_looked_over && atomic_load_explicit(&counted_is_on, memory_order_relaxed);
}

static void counted_take(void)
{
    if (counted_counts())
        atomic_fetch_add_explicit(&counted_taken, 1, memory_order_relaxed);
}

void *__wrap_malloc(size_t bytes)
{
    counted_take();
    return __real_malloc(bytes);
}

void *__wrap_calloc(size_t count, size_t bytes)
{
    counted_take();
    return __real_calloc(count, bytes);
}

void *__wrap_realloc(void *old, size_t bytes)
{
    counted_take();
    return __real_realloc(old, bytes);
}

void *__wrap_aligned_alloc(size_t alignment, size_t bytes)
{
    counted_take();
    return __real_aligned_alloc(alignment, bytes);
}

void __wrap_free(void *old)
{
    if (old != NULL && counted_counts())
        atomic_fetch_add_explicit(&counted_given, 1, memory_order_relaxed);
    __real_free(old);
}

static void *counted_crypto_malloc(size_t bytes, const char *file, int line)
{
    (void)file;
    (void)line;
    return __wrap_malloc(bytes);
}

static void *counted_crypto_realloc(void *old, size_t bytes, const char *file, int line)
{
    (void)file;
    (void)line;
    return __wrap_realloc(old, bytes);
}

static void counted_crypto_free(void *old, const char *file, int line)
{
    (void)file;
    (void)line;
    __wrap_free(old);
}

/* First thing in main: OpenSSL and libuv take their memory from here. False: too late. */
static inline bool counted_heap_open(void)
{
    return CRYPTO_set_mem_functions(counted_crypto_malloc, counted_crypto_realloc,
                                    counted_crypto_free) == 1 &&
           uv_replace_allocator(__wrap_malloc, __wrap_realloc, __wrap_calloc, __wrap_free) == 0;
}

static inline void counted_heap_start(void)
{
    atomic_store(&counted_taken, 0);
    atomic_store(&counted_given, 0);
    atomic_store(&counted_is_on, true);
}

static inline void counted_heap_stop(void)
{
    atomic_store(&counted_is_on, false);
}

#endif
