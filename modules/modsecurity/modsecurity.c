/* SPDX-License-Identifier: Apache-2.0 */
/* modsecurity.c: libmodsecurity and a set of its rules (the OWASP Core Rule Set above all) as an
 * engine for signs of injection. Each message becomes the POST of a JSON body that those rules are
 * written for; they refuse it or they do not. One set of rules is shared by all threads, which
 * libmodsecurity allows; a transaction belongs to one check. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <modsecurity/modsecurity.h>
#include <modsecurity/rules_set.h>
#include <modsecurity/transaction.h>

#include "gateward_injection.h"

#define STRING(number)  #number
#define TEXT_OF(number) STRING(number)

/* Some rules of the Core Rule Set take a time that grows with the square of the text, and all of
 * them are tried on each value: at these ceilings a message costs 10 to 25 ms. */
#define BODY_BYTES_MAX 8192 /* as JSON; more is refused unread */
#define VALUES_MAX     100  /* libmodsecurity passes over those behind, so as many are refused */
#define TYPE_BYTES_MAX 64

struct engine {
    ModSecurity *library;
    RulesSet *rules;
};

/* Around the operator's rules, since not every version lets the same side win. Rules of a web
 * server often only observe, and read no bodies; here they must decide, or they would be of no use.
 * Nothing is written anywhere: a message is nobody's log entry. */
static const char settings[] =
    "SecRuleEngine On\n"
    "SecRequestBodyAccess On\n"
    "SecRequestBodyLimit " TEXT_OF(
        BODY_BYTES_MAX) "\n"
                        "SecRequestBodyNoFilesLimit " TEXT_OF(
                            BODY_BYTES_MAX) "\n"
                                            "SecRequestBodyLimitAction Reject\n"
                                            "SecArgumentsLimit " TEXT_OF(
                                                VALUES_MAX) "\n"
                                                            "SecResponseBodyAccess Off\n"
                                                            "SecAuditEngine Off\n"
                                                            "SecDebugLogLevel 0\n";

/* In front of all others: what could not be read whole is refused. */
static const char first_rules[] =
    "SecAction \"id:4294001,phase:1,pass,nolog,ctl:requestBodyProcessor=JSON\"\n"
    "SecRule REQBODY_ERROR \"!@eq 0\" \"id:4294002,phase:2,deny,status:400,nolog\"\n"
    "SecRule &ARGS \"@ge " TEXT_OF(VALUES_MAX) "\" \"id:4294003,phase:2,deny,status:400,nolog\"\n";

/* --- the family: what most of the rules that matched are about --- */

struct matches {
    unsigned counts[GW_INJECTION_OTHER + 1];
};

/* libmodsecurity hands over a line for its log, with the number of the rule and a piece of the
 * message. Who forges a number in that piece changes a word in the event log, not the verdict. */
static void count_match(void *context, const void *line)
{
    static const struct {
        const char *rule; /* of the Core Rule Set */
        enum gw_injection_family family;
    } rows[] = {
        {"[id \"921200\"", GW_INJECTION_LDAP}, {"[id \"930", GW_INJECTION_PATH},
        {"[id \"931", GW_INJECTION_PATH},      {"[id \"932", GW_INJECTION_SHELL},
        {"[id \"933", GW_INJECTION_SHELL},     {"[id \"941", GW_INJECTION_SCRIPT},
        {"[id \"942", GW_INJECTION_SQL},
    };
    struct matches *m = context;

    if (m == NULL || line == NULL)
        return;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        m->counts[rows[i].family] += strstr(line, rows[i].rule) != NULL;
}

static uint32_t family_of(const struct matches *m)
{
    uint32_t most = GW_INJECTION_OTHER;

    for (uint32_t i = GW_INJECTION_NONE + 1; i < GW_INJECTION_OTHER; i++) {
        if (m->counts[i] > m->counts[most])
            most = i;
    }
    return most;
}

/* --- one message --- */

static bool add_header(Transaction *t, const char *name, const char *value)
{
    return msc_add_n_request_header(t, (const unsigned char *)name, strlen(name),
                                    (const unsigned char *)value, strlen(value)) == 1;
}

/* Rules may ask for the type by REQUEST_FILENAME. Its other characters are no concern of theirs. */
static void write_path(char *path, const char *type)
{
    size_t len = 0;

    path[len++] = '/';
    for (; *type != '\0' && len <= TYPE_BYTES_MAX; type++) {
        char c = *type;
        bool is_plain =
            (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';

        path[len++] = is_plain ? c : '_';
    }
    path[len] = '\0';
}

/* What browsers send, so that no rule about odd requests speaks up. */
static bool describe(Transaction *t, const char *type, size_t body_bytes)
{
    char path[TYPE_BYTES_MAX + 2], length[24];

    write_path(path, type);
    (void)snprintf(length, sizeof(length), "%zu", body_bytes);
    return msc_process_connection(t, "127.0.0.1", 1, "127.0.0.1", 443) == 1 &&
           msc_process_uri(t, path, "POST", "1.1") == 1 && add_header(t, "Host", "gateward") &&
           add_header(t, "User-Agent", "gateward") && add_header(t, "Accept", "application/json") &&
           add_header(t, "Content-Type", "application/json") &&
           add_header(t, "Content-Length", length);
}

static bool is_refused(Transaction *t)
{
    ModSecurityIntervention it = {.status = 200};
    bool is_disruptive = msc_intervention(t, &it) != 0;

    free(it.url);
    free(it.log);
    return is_disruptive;
}

/* 0 with a verdict, or -1. */
static int judge(Transaction *t, const char *json, size_t json_bytes, bool *refused)
{
    if (msc_process_request_headers(t) != 1)
        return -1;
    *refused = is_refused(t);
    if (*refused)
        return 0;
    if (msc_append_request_body(t, (const unsigned char *)json, json_bytes) != 1 ||
        msc_process_request_body(t) != 1)
        return -1;
    *refused = is_refused(t);
    return 0;
}

static int check(void *self, const char *type, const char *json, size_t json_bytes,
                 struct gw_injection_verdict *verdict)
{
    struct engine *e = self;
    struct matches matches = {{0}};
    bool refused = false;
    Transaction *t;
    int rc = -1;

    if (json_bytes > BODY_BYTES_MAX)
        return -1;
    t = msc_new_transaction(e->library, e->rules, &matches);
    if (t == NULL)
        return -1;
    if (describe(t, type, json_bytes))
        rc = judge(t, json, json_bytes, &refused);
    msc_transaction_cleanup(t);
    verdict->is_refused = refused;
    verdict->family = refused ? family_of(&matches) : GW_INJECTION_NONE;
    return rc;
}

/* --- its life --- */

static void engine_free(void *self)
{
    struct engine *e = self;

    if (e == NULL)
        return;
    if (e->rules != NULL)
        (void)msc_rules_cleanup(e->rules);
    if (e->library != NULL)
        msc_cleanup(e->library);
    free(e);
}

/* libmodsecurity's sentences come with line breaks. */
static void say_why(char *why, size_t why_bytes, const char *text)
{
    (void)snprintf(why, why_bytes, "%s", text != NULL && *text != '\0' ? text : "no reason given");
    for (char *c = why; *c != '\0'; c++) {
        if ((unsigned char)*c < ' ')
            *c = ' ';
    }
}

static bool read_rules(struct engine *e, const char *path, char *why, size_t why_bytes)
{
    const char *error = NULL;
    bool is_good = msc_rules_add(e->rules, settings, &error) >= 0 &&
                   msc_rules_add(e->rules, first_rules, &error) >= 0 &&
                   msc_rules_add_file(e->rules, path, &error) >= 0 &&
                   msc_rules_add(e->rules, settings, &error) >= 0;

    if (!is_good)
        say_why(why, why_bytes, error);
    free((void *)(uintptr_t)error);
    return is_good;
}

static void *init(const char *rules, char *why, size_t why_bytes)
{
    struct engine *e = calloc(1, sizeof(*e));

    if (e != NULL)
        e->library = msc_init();
    if (e != NULL && e->library != NULL)
        e->rules = msc_create_rules_set();
    if (e == NULL || e->rules == NULL) {
        say_why(why, why_bytes, "out of memory");
        engine_free(e);
        return NULL;
    }
    msc_set_connector_info(e->library, "gateward");
    msc_set_log_cb(e->library, count_match);
    if (!read_rules(e, rules, why, why_bytes)) {
        engine_free(e);
        return NULL;
    }
    return e;
}

const struct gw_injection_module gw_injection_module = {
    .abi = GW_INJECTION_ABI,
    .name = "modsecurity",
    .init = init,
    .check = check,
    .free = engine_free,
};
