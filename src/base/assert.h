/* SPDX-License-Identifier: Apache-2.0 */
/* assert.h: ASSERT states what only a bug of ours could break. It stays on in release; peers cannot
 * trip it. */
#ifndef BASE_ASSERT_H
#define BASE_ASSERT_H

_Noreturn void assert_failed(const char *text, const char *file, int line);

#define ASSERT(condition) ((condition) ? (void)0 : assert_failed(#condition, __FILE__, __LINE__))

#endif
