/* SPDX-License-Identifier: Apache-2.0 */
/* unit_paths.h: where the source tree lies, for tests that read its files. The build makes
 * unit_paths.c. */
#ifndef TESTS_UNIT_PATHS_H
#define TESTS_UNIT_PATHS_H

extern const char *const unit_source_root;

#endif
