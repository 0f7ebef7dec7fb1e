/* SPDX-License-Identifier: Apache-2.0 */
/* injection_module.h: loads a module of include/gateward_injection.h, and makes an engine of
 * message/injection.h of it. Once loaded, its code stays until the process ends. */
#ifndef SERVER_INJECTION_MODULE_H
#define SERVER_INJECTION_MODULE_H

#include "base/error.h"
#include "message/injection.h"

#define INJECTION_MODULE_NAME_MAX 64

extern const char injection_module_folder[];

/* `module`: an absolute path, or the name of one that was installed (small letters, digits, '-',
 * '_'). It and the file `rules` must belong to root or to this process, as must the
 * folders they are in, and nobody else may write there. On success the caller ends *out by its
 * `close`. E_INVALID, E_DENIED, E_MISSING, E_NOMEM, with *why. */
int injection_module_load(struct injection_engine *out, const char *module, const char *rules,
                          struct error *why);

#endif
