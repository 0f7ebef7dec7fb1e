/* SPDX-License-Identifier: Apache-2.0 */
/* `gateward check FILE`: everything that is wrong with a configuration, or a short look at what it
 * says. What is allowed but deserves a second thought is printed as a warning and does not change
 * the exit code. */
#include <getopt.h>
#include <inttypes.h>
#include <string.h>

#include "auth/jwks_url.h"
#include "cli/cli.h"
#include "crypto/x509.h"
#include "limit/limit_name.h"
#include "server/effective_limits.h"

#define DAY_S     (24 * 60 * 60L)
#define SOON_DAYS 14

static void usage(FILE *to)
{
    (void)fputs(
        "usage: gateward check FILE\n"
        "       gateward check --keys\n\n"
        "Reads a configuration, tries out its certificates and secrets, and prints every fault to\n"
        "stderr as file:line:column: text. Exit code 0: the file is good, 1: it is not.\n\n"
        "  -k, --keys   print every key with its type, default and meaning (docs/config.md)\n"
        "  -h, --help   this text\n",
        to);
}

static void show_certificates(const struct tls_server_options *tls)
{
    static const char *const words[] = {[TLS_CLIENT_OFF] = "",
                                        [TLS_CLIENT_OPTIONAL] = ", client certificates optional",
                                        [TLS_CLIENT_REQUIRED] = ", client certificates required"};

    for (uint32_t i = 0; i < tls->sites_count; i++)
        (void)printf("  uses      %s%s%s\n", tls->sites[i].cert_path, words[tls->sites[i].client],
                     tls->sites[i].staple_path != NULL ? ", OCSP answer"
                     : tls->sites[i].fetches_staple    ? ", OCSP answers are fetched"
                                                       : "");
}

static void show_listeners(const struct options *o)
{
    for (uint32_t i = 0; i < o->listeners_count; i++) {
        const struct listen_options *l = &o->listeners[i];

        (void)printf("  listener  %s  %s\n", l->address_text,
                     l->tls.sites_count == 0 ? "plaintext"
                     : l->tls.allows_tls12   ? "TLS 1.2 and 1.3"
                                             : "TLS 1.3");
        show_certificates(&l->tls);
    }
}

static void show_public_keys(struct key_source *source)
{
    struct key_set *set = key_source_keep(source);

    for (uint32_t i = 0; set != NULL && i < key_set_count(set); i++) {
        const struct jwk *key = key_set_at(set, i);

        (void)printf("  key       %s  %u bits  %s%s\n", signature_name(jwk_algorithm(key)),
                     signature_key_bits(key->key), key->has_key_id ? "kid " : "no kid",
                     problem_word(jwk_id(key)).text);
    }
    key_set_drop(set);
}

/* What tokens are measured by, so that a person can compare it with what the issuer says. */
static void show_issuers(const struct options *o)
{
    for (uint32_t i = 0; i < o->auth.issuers_count; i++) {
        const struct jwt_issuer *issuer = &o->auth.issuers[i];

        (void)printf("  issuer    %s\n", issuer->issuer != NULL ? issuer->issuer : "any");
        for (uint32_t k = 0; k < issuer->keys_count; k++)
            (void)printf("  key       %s  secret  %s%s\n", issuer->keys[k].algorithm,
                         issuer->keys[k].key_id[0] != '\0' ? "kid " : "no kid",
                         problem_word(view_of_text(issuer->keys[k].key_id)).text);
        if (issuer->jwks_url != NULL)
            (void)printf("  keys      from %s, once the server runs\n",
                         jwks_url_text(issuer->jwks_url));
        else if (issuer->public_keys != NULL)
            show_public_keys(issuer->public_keys);
    }
}

static void show_own_limits(const char *whose, const char *name, const struct own_limits *own)
{
    char value[32];

    if (own->total == 0 && !own_limits_are_said(own))
        return;
    (void)printf("  limits    %s %s:", whose, name);
    if (own->total != 0)
        (void)printf(" connections.total %" PRIu64, own->total);
    for (unsigned i = 0; i < LIMIT_KEYS; i++) {
        limit_key_write(value, (enum limit_key)i, own->of[i]);
        if (own->of[i] != 0)
            (void)printf(" %s %s", limit_key_text((enum limit_key)i), value);
    }
    (void)printf("\n");
}

/* What `gateward explain --limits` lays one over the other. */
static void show_limits(const struct options *o)
{
    for (uint32_t i = 0; i < o->listeners_count; i++)
        show_own_limits("listener", o->listeners[i].address_text, &o->listeners[i].limits);
    for (uint32_t i = 0; i < o->routes_count; i++)
        show_own_limits("route", o->routes[i].path, &o->routes[i].limits);
    for (uint32_t i = 0; i < o->limits.by_role_count; i++)
        for (uint32_t role = 0; role < o->policy.roles.count; role++)
            if (o->limits.by_role[i].role >> role == 1)
                show_own_limits("role", o->policy.roles.roles[role].name,
                                &o->limits.by_role[i].limits);
}

static void show(const struct options *o)
{
    show_listeners(o);
    for (uint32_t i = 0; i < o->routes_count; i++)
        (void)printf("  route     %s  %s\n", o->routes[i].path,
                     o->routes[i].kind == ROUTE_ECHO ? "echo" : "channels");
    for (uint32_t i = 0; i < o->hosts_count; i++)
        (void)printf("  host      %s\n", o->hosts[i].name);
    for (uint32_t i = 0; i < o->policy.rules_count; i++)
        (void)printf("  channel   " VIEW_FMT "\n", VIEW_ARG(o->policy.rules[i].pattern.text));
    show_issuers(o);
    show_limits(o);
    (void)printf("  origins %" PRIu32 ", roles %" PRIu32 ", token issuers %" PRIu32 "\n",
                 o->origins_count, o->policy.roles.count, o->auth.issuers_count);
}

static void warn_listener(const struct listen_options *l)
{
    long seconds = 0;

    for (uint32_t i = 0; i < l->tls.sites_count; i++)
        if (l->tls.sites[i].client != TLS_CLIENT_OFF && l->tls.sites[i].client_crl_path == NULL)
            (void)printf("  warning: %s asks for client certificates, but has no client_crl: none "
                         "can be taken back\n",
                         l->tls.sites[i].cert_path);
    if (l->tls.sites_count == 0 && !listen_address_is_local(&l->address))
        (void)printf("  warning: %s speaks plaintext to the network\n", l->address_text);
    if (l->tls.allows_tls12)
        (void)printf("  warning: %s still speaks TLS 1.2\n", l->address_text);
    for (uint32_t i = 0; i < l->tls.sites_count; i++) {
        const char *path = l->tls.sites[i].cert_path;
        if (x509_file_expires_in(path, &seconds, NULL) == 0 && seconds < SOON_DAYS * DAY_S)
            (void)printf("  warning: %s expires in %ld days\n", path, seconds / DAY_S);
    }
}

static void warn_origin(const struct origin_rule *rule)
{
    if (rule->is_null)
        (void)printf("  warning: the origin null lets in any sandboxed page or local file\n");
    else if (rule->is_wildcard)
        (void)printf("  warning: the origin %s://*.%s trusts every host of that name\n",
                     rule->scheme, rule->host);
    else if (strcmp(rule->scheme, "http") == 0)
        (void)printf(
            "  warning: the origin http://%s is a page that anyone on the way can change\n",
            rule->host);
}

static void warn_ignored_keys(uint32_t row, struct key_source *source)
{
    struct key_set *set = key_source_keep(source);

    if (set != NULL && key_set_ignored(set) > 0)
        (void)printf("  warning: auth.jwt[%" PRIu32 "] leaves out %" PRIu32
                     " of the keys of its jwks_file: %s\n",
                     row, key_set_ignored(set), key_set_ignored_why(set));
    key_set_drop(set);
}

static void warn(const struct options *o)
{
    for (uint32_t i = 0; i < o->listeners_count; i++)
        warn_listener(&o->listeners[i]);
    for (uint32_t i = 0; i < o->origins_count; i++)
        warn_origin(&o->origins[i]);
    if (o->origins_count == 0)
        (void)printf("  warning: no origins: pages in browsers cannot connect\n");
    for (uint32_t i = 0; i < o->routes_count; i++)
        if (o->routes[i].kind == ROUTE_ECHO)
            (void)printf("  warning: the echo route %s serves anyone without login\n",
                         o->routes[i].path);
    for (uint32_t i = 0; i < o->auth.issuers_count; i++) {
        if (o->auth.issuers[i].issuer == NULL)
            (void)printf("  warning: auth.jwt[%" PRIu32 "] does not check who issued a token\n", i);
        if (o->auth.issuers[i].audience == NULL)
            (void)printf("  warning: auth.jwt[%" PRIu32 "] does not check for whom a token is\n",
                         i);
        if (o->auth.issuers[i].public_keys != NULL)
            warn_ignored_keys(i, o->auth.issuers[i].public_keys);
    }
    if (o->policy.rules_count == 0)
        (void)printf("  warning: no channels: nobody can subscribe or publish\n");
}

static void warn_observed(const struct options *o)
{
    for (unsigned i = 0; i < LIMIT_NAMES; i++)
        if ((o->limits.observed >> i & 1) != 0)
            (void)printf("  warning: limits.observe: %s is counted, but not enforced\n",
                         limit_name_text((enum limit_name)i));
}

/* No weakness by itself: a schema may mean it. */
static void note_open(const struct message_policy *messages)
{
    for (uint32_t i = 0; i < messages->count; i++) {
        const char *open = messages->types[i].open_object;

        if (open != NULL)
            (void)printf(
                "  note: messages.%s: its schema lets members pass that it does not name%s%s: "
                "`additionalProperties: false` ends that\n",
                problem_word(messages->types[i].name_view).text, open[0] != '\0' ? ", at " : "",
                open[0] != '\0' ? problem_word(view_of_text(open)).text : "");
    }
}

int cmd_check(int argc, char **argv)
{
    static const struct option longs[] = {
        {"keys", no_argument, NULL, 'k'}, {"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
    struct options *options;
    int c;

    while ((c = getopt_long(argc, argv, "kh", longs, NULL)) != -1) {
        if (c == 'k' && optind == argc) {
            options_help(stdout);
            return CLI_OK;
        }
        usage(c == 'h' ? stdout : stderr);
        return c == 'h' ? CLI_OK : CLI_USAGE;
    }
    if (optind != argc - 1) {
        usage(stderr);
        return CLI_USAGE;
    }
    options = cli_load(argv[optind]);
    if (options == NULL)
        return CLI_REFUSED;
    (void)printf("%s: ok\n", argv[optind]);
    show(options);
    warn(options);
    warn_observed(options);
    note_open(&options->messages);
    options_free(options);
    return CLI_OK;
}
