/* SPDX-License-Identifier: Apache-2.0 */
/* gateward_injection.h: what a module offers that judges messages for signs of injection. A module
 * is a shared object that exports one symbol, `gw_injection_module`; gateward loads it when
 * `injection_engine.module` names it, and never unloads it. It runs inside the server: a fault of
 * the module is one of the server. */
#ifndef GATEWARD_INJECTION_H
#define GATEWARD_INJECTION_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Another number means another layout: gateward refuses a module of another one. */
#define GW_INJECTION_ABI    1
#define GW_INJECTION_SYMBOL "gw_injection_module"

enum gw_injection_family {
    GW_INJECTION_NONE,
    GW_INJECTION_SQL,
    GW_INJECTION_NOSQL,
    GW_INJECTION_SHELL,
    GW_INJECTION_PATH,
    GW_INJECTION_SCRIPT,
    GW_INJECTION_TEMPLATE,
    GW_INJECTION_LDAP,
    GW_INJECTION_OTHER
};

struct gw_injection_verdict {
    uint32_t is_refused; /* 0 or 1 */
    uint32_t family;     /* enum gw_injection_family: of what the message shows signs */
};

struct gw_injection_module {
    uint32_t abi;     /* GW_INJECTION_ABI */
    const char *name; /* for messages to people */
    /* Reads the rules in the file `rules` (an absolute path). NULL: `why` (why_bytes long) says in
     * English what is wrong. Called by one thread at a time; again at each reload. */
    void *(*init)(const char *rules, char *why, size_t why_bytes);
    /* Judges one JSON object, {"text":…}, of a message of the type called `type` (UTF-8, no control
     * characters). 0 with *verdict, which comes zeroed; anything else: no verdict, and the message
     * is refused. Called by many threads at once. It must neither block nor log what it sees. */
    int (*check)(void *self, const char *type, const char *json, size_t json_bytes,
                 struct gw_injection_verdict *verdict);
    void (*free)(void *self);
};

extern const struct gw_injection_module gw_injection_module __attribute__((visibility("default")));

#ifdef __cplusplus
}
#endif

#endif
