/* SPDX-License-Identifier: Apache-2.0 */
/* `gateward session`: makes, shows, extends and ends the sessions of web users at the running
 * server, by POST /api/sessions. The id of a session is as good as a password: it is read from
 * stdin or a file and written to stdout, never taken from the command line. */
#include <getopt.h>
#include <string.h>

#include "base/json_out.h"
#include "cli/api_call.h"
#include "cli/cli.h"
#include "crypto/secret.h"
#include "server/options.h"

enum verb { VERB_CREATE, VERB_GET, VERB_EXTEND, VERB_END };
#define VERBS 4

struct session_request {
    enum verb verb;
    const char *config, *user, *roles, *tenant, *file;
    bool replaces;
};

static void usage(FILE *to)
{
    (void)fputs(
        "usage: gateward session create --config FILE --user USER --roles ROLES [--tenant TENANT]\n"
        "                               [--replaces [--session-file FILE]]\n"
        "       gateward session get|extend|end --config FILE [--session-file FILE]\n"
        "       gateward session end --config FILE --user USER\n\n"
        "Sessions of web users at the running server (auth.sessions). create prints the id of a "
        "new\n"
        "one, which belongs into the cookie. get says whose one is, extend begins its idle time "
        "anew,\n"
        "end closes its connections; with --user, those of all sessions of the user. The id is "
        "read\n"
        "from stdin, for a command line can be read by everyone. Uses the first key under\n"
        "internal.keys that has the scope `sessions`.\n\n"
        "  -c, --config FILE    the configuration the server runs with\n"
        "  --user USER          whose session\n"
        "  --roles ROLES        create: names of roles, with commas between them\n"
        "  --tenant TENANT      create: the tenant of the user\n"
        "  --replaces           create: another session, whose id is read, ends with it\n"
        "  --session-file FILE  the id stands in FILE; -: stdin, which is the default\n"
        "  -h, --help           this text\n\n"
        "Exit code 0: done. 1: refused, or no server answers. 2: not understood.\n",
        to);
}

/* --- the body --- */

static void write_roles(struct wr *w, const struct role_set *set, uint64_t roles)
{
    bool is_first = true;

    json_out_key(w, "roles");
    wr_u8(w, '[');
    for (uint32_t i = 0; i < set->count; i++) {
        if ((roles >> i & 1) == 0)
            continue;
        if (!is_first)
            wr_u8(w, ',');
        json_out_string(w, view_of_text(set->roles[i].name), 0);
        is_first = false;
    }
    wr_u8(w, ']');
}

static bool write_body(struct wr *w, const struct session_request *request, const struct options *o,
                       const char *session)
{
    uint64_t roles = 0;

    if (request->roles != NULL && !cli_roles(&o->policy.roles, request->roles, &roles))
        return false;
    json_out_open(w);
    if (request->user != NULL)
        json_out_member(w, "user", view_of_text(request->user));
    if (request->verb == VERB_CREATE)
        write_roles(w, &o->policy.roles, roles);
    if (request->tenant != NULL)
        json_out_member(w, "tenant", view_of_text(request->tenant));
    if (session[0] != '\0')
        json_out_member(w, request->verb == VERB_CREATE ? "replaces" : "session",
                        view_of_text(session));
    json_out_close(w);
    if (w->failed)
        (void)fputs("gateward session: the values are too long\n", stderr);
    return !w->failed;
}

static int ask(const struct options *o, const struct session_request *request, const char *session)
{
    static const char *const paths[VERBS] = {"/api/sessions", "/api/sessions/get",
                                             "/api/sessions/extend", "/api/sessions/end"};
    char text[API_CALL_BODY_MAX];
    struct wr body = wr_of(text, sizeof(text));
    struct api_call_request call = {.command = "session",
                                    .scope = API_SCOPE_SESSIONS,
                                    .scope_name = "sessions",
                                    .path = paths[request->verb],
                                    .member = request->verb == VERB_CREATE ? "session" : NULL};
    int exit_code = CLI_REFUSED;

    if (write_body(&body, request, o, session)) {
        call.body = view_of(text, wr_len(&body));
        exit_code = api_call(o, &call);
    }
    secret_wipe(text, sizeof(text));
    return exit_code;
}

/* --- arguments --- */

static bool find_verb(enum verb *out, const char *word)
{
    static const char *const verbs[VERBS] = {"create", "get", "extend", "end"};

    for (unsigned i = 0; i < VERBS; i++) {
        if (strcmp(word, verbs[i]) == 0) {
            *out = (enum verb)i;
            return true;
        }
    }
    return false;
}

/* -1: go on; otherwise the exit code. --session is there to be refused: as the beginning of
 * --session-file it would be taken for it, and an id for a path. */
static int read_arguments(struct session_request *request, int argc, char **argv)
{
    static const struct option longs[] = {{"config", required_argument, NULL, 'c'},
                                          {"user", required_argument, NULL, 'u'},
                                          {"roles", required_argument, NULL, 'r'},
                                          {"tenant", required_argument, NULL, 't'},
                                          {"replaces", no_argument, NULL, 'p'},
                                          {"session-file", required_argument, NULL, 'f'},
                                          {"session", required_argument, NULL, '?'},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    int c;

    while ((c = getopt_long(argc, argv, "c:h", longs, NULL)) != -1) {
        if (c == 'c')
            request->config = optarg;
        else if (c == 'u')
            request->user = optarg;
        else if (c == 'r')
            request->roles = optarg;
        else if (c == 't')
            request->tenant = optarg;
        else if (c == 'p')
            request->replaces = true;
        else if (c == 'f')
            request->file = optarg;
        else {
            usage(c == 'h' ? stdout : stderr);
            return c == 'h' ? CLI_OK : CLI_USAGE;
        }
    }
    return -1;
}

static bool reads_session(const struct session_request *r)
{
    return r->verb == VERB_CREATE ? r->replaces : r->user == NULL;
}

static bool makes_sense(const struct session_request *r)
{
    bool creates = r->verb == VERB_CREATE;

    if (r->config == NULL || (r->file != NULL && !reads_session(r)))
        return false;
    if (creates)
        return r->user != NULL && r->roles != NULL;
    if (r->roles != NULL || r->tenant != NULL || r->replaces)
        return false;
    return r->user == NULL || r->verb == VERB_END;
}

int cmd_session(int argc, char **argv)
{
    struct session_request request = {.config = NULL};
    char session[API_CALL_SECRET_MAX + 1] = "";
    int exit_code = read_arguments(&request, argc, argv);
    struct options *o;

    if (exit_code >= 0)
        return exit_code;
    /* getopt has put the word behind the options. */
    if (optind + 1 != argc || !find_verb(&request.verb, argv[optind]) || !makes_sense(&request)) {
        usage(stderr);
        return CLI_USAGE;
    }
    if (reads_session(&request) &&
        !api_call_read_session("session", request.file != NULL ? request.file : "-", session))
        return CLI_REFUSED;
    o = cli_load(request.config);
    exit_code = o != NULL ? ask(o, &request, session) : CLI_REFUSED;
    options_free(o);
    secret_wipe(session, sizeof(session));
    return exit_code;
}
