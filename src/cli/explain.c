/* SPDX-License-Identifier: Apache-2.0 */
/* `gateward explain`: asks the very function that the server asks, and says its answer as a
 * sentence. */
#include <getopt.h>
#include <string.h>

#include "base/clock.h"
#include "cli/explain.h"
#include "cli/explain_limits.h"

#define SENTENCE_BYTES 2048

struct question {
    const char *config, *user, *roles, *channel, *action, *scopes, *message, *tenant;
    const char *listener, *route;
    bool asks_limits;
    int64_t auth_age_s;
};

static void usage(FILE *to)
{
    (void)fputs(
        "usage: gateward explain --config FILE --user USER --roles ROLES --channel CHANNEL\n"
        "                        --action ACTION [--scopes SCOPES] [--auth-age TIME]\n"
        "       gateward explain --config FILE --user USER --roles ROLES --message FILE\n"
        "       gateward explain --config FILE --limits [--listener ADDRESS] [--route PATH]\n"
        "                        [--roles ROLES]\n\n"
        "Says whether this user may do this, and which rule decides; or what becomes of a message\n"
        "of this user by `messages` in the configuration; or which limits count for a connection,\n"
        "and where each comes from. Exit code 0: allowed, 1: denied (or the file is bad), 2: not\n"
        "understood.\n\n"
        "  -c, --config FILE      the configuration\n"
        "      --user USER        the user's id\n"
        "      --roles ROLES      the user's roles, with commas between them\n"
        "      --channel CHANNEL  for example private:room-7\n"
        "      --action ACTION    subscribe, publish, presence, history or moderate\n"
        "      --message FILE     one message, as a client would send it (rates are not counted)\n"
        "      --limits           the limits of one connection\n"
        "      --listener ADDRESS as `listen` writes it (default: the first)\n"
        "      --route PATH       as `routes` writes it (default: the first)\n"
        "      --tenant TENANT    the user's tenant (default: none)\n"
        "      --scopes SCOPES    what the user's token was given, with commas or blanks between\n"
        "                         (default: the login was not delegated, nothing is held back)\n"
        "      --auth-age TIME    how long ago the user logged in: 30s, 15m, 12h (default: now)\n"
        "  -h, --help             this text\n",
        to);
}

/* -1: go on; otherwise the exit code. */
static int read_arguments(struct question *q, int argc, char **argv)
{
    static const struct option longs[] = {
        {"config", required_argument, NULL, 'c'},   {"user", required_argument, NULL, 'u'},
        {"roles", required_argument, NULL, 'r'},    {"channel", required_argument, NULL, 'n'},
        {"action", required_argument, NULL, 'a'},   {"message", required_argument, NULL, 'm'},
        {"scopes", required_argument, NULL, 's'},   {"auth-age", required_argument, NULL, 'g'},
        {"tenant", required_argument, NULL, 't'},   {"limits", no_argument, NULL, 'l'},
        {"listener", required_argument, NULL, 'L'}, {"route", required_argument, NULL, 'R'},
        {"help", no_argument, NULL, 'h'},           {NULL, 0, NULL, 0}};
    int c;

    while ((c = getopt_long(argc, argv, "c:h", longs, NULL)) != -1) {
        if (c == 'c')
            q->config = optarg;
        else if (c == 'u')
            q->user = optarg;
        else if (c == 'r')
            q->roles = optarg;
        else if (c == 'n')
            q->channel = optarg;
        else if (c == 'a')
            q->action = optarg;
        else if (c == 'm')
            q->message = optarg;
        else if (c == 's')
            q->scopes = optarg;
        else if (c == 't')
            q->tenant = optarg;
        else if (c == 'l')
            q->asks_limits = true;
        else if (c == 'L')
            q->listener = optarg;
        else if (c == 'R')
            q->route = optarg;
        else if (c != 'g' || !cli_seconds(optarg, &q->auth_age_s)) {
            usage(c == 'h' ? stdout : stderr);
            return c == 'h' ? CLI_OK : CLI_USAGE;
        }
    }
    return -1;
}

/* Scopes that no rule names make no difference. */
static uint64_t scopes_of(const struct scope_set *set, const char *text)
{
    uint64_t scopes = 0;
    size_t len;

    if (text == NULL)
        return SCOPES_ALL;
    for (; *text != '\0'; text += len) {
        text += strspn(text, ", ");
        len = strcspn(text, ", ");
        scopes |= scope_set_bits(set, view_of(text, len));
    }
    return scopes;
}

static int answer(const struct options *o, const struct question *q, enum action action)
{
    struct identity who = {.method = IDENTITY_JWT};
    struct access_question asked = {.who = &who,
                                    .channel = view_of_text(q->channel),
                                    .action = action,
                                    .wall_s = clock_wall_s()};
    struct access_answer decision;
    char sentence[SENTENCE_BYTES];
    bool is_allowed;

    if (!cli_roles(&o->policy.roles, q->roles, &who.roles))
        return CLI_USAGE;
    memcpy(who.user, q->user, strlen(q->user));
    who.user_bytes = (uint8_t)strlen(q->user);
    if (q->tenant != NULL &&
        (!identity_user_ok(view_of_text(q->tenant)) || strlen(q->tenant) > IDENTITY_TENANT_MAX)) {
        (void)fputs("gateward: --tenant is no tenant: at most 32 of A-Z a-z 0-9 _ -\n", stderr);
        return CLI_USAGE;
    }
    if (q->tenant != NULL)
        memcpy(who.tenant, q->tenant, strlen(q->tenant));
    who.scopes = scopes_of(&o->policy.scopes, q->scopes);
    who.authenticated_at_s = asked.wall_s - q->auth_age_s;
    if (q->message != NULL) {
        const struct explain_message m = {o, &who, q->message, asked.wall_s};

        return explain_message(&m);
    }
    is_allowed = access_decide(&o->policy, &asked, &decision);
    access_question_explain(sentence, sizeof(sentence), &o->policy, &asked, &decision);
    (void)printf("%s\n", sentence);
    return is_allowed ? CLI_OK : CLI_REFUSED;
}

static int answer_limits(const struct question *q)
{
    struct explain_limits asked = {NULL, q->listener, q->route, q->roles};
    struct options *o;
    int exit_code;

    if (q->config == NULL || q->user != NULL || q->channel != NULL || q->action != NULL ||
        q->message != NULL) {
        usage(stderr);
        return CLI_USAGE;
    }
    o = cli_load(q->config);
    if (o == NULL)
        return CLI_REFUSED;
    asked.options = o;
    exit_code = explain_limits(&asked);
    options_free(o);
    return exit_code;
}

int cmd_explain(int argc, char **argv)
{
    struct question q = {0};
    int exit_code = read_arguments(&q, argc, argv);
    enum action action = ACTION_PUBLISH;
    struct options *o;

    if (exit_code >= 0)
        return exit_code;
    if (q.asks_limits && optind == argc)
        return answer_limits(&q);
    if (q.asks_limits || q.listener != NULL || q.route != NULL || q.config == NULL ||
        q.user == NULL || q.roles == NULL || optind != argc ||
        (q.message == NULL) != (q.channel != NULL && q.action != NULL)) {
        usage(stderr);
        return CLI_USAGE;
    }
    if (!identity_user_ok(view_of_text(q.user))) {
        (void)fprintf(stderr, "gateward explain: --user must be 1 to 64 of A-Z a-z 0-9 _ -\n");
        return CLI_USAGE;
    }
    if (q.message == NULL && !action_from_text(view_of_text(q.action), &action)) {
        (void)fprintf(stderr, "gateward explain: --action must be subscribe, publish, presence, "
                              "history or moderate\n");
        return CLI_USAGE;
    }
    o = cli_load(q.config);
    if (o == NULL)
        return CLI_REFUSED;
    exit_code = answer(o, &q, action);
    options_free(o);
    return exit_code;
}
