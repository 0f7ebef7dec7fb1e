/* SPDX-License-Identifier: Apache-2.0 */
/* options_listen.c: `listen` of a configuration: addresses, certificates, and where plaintext is
 * allowed. A certificate and its key are tried out here, so that a file which `gateward check`
 * likes is a file that `gateward serve` can start with. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/status.h"
#include "net/tls.h"
#include "server/options_load.h"

static const char *const version_names[] = {"1.3", "1.2", NULL};

/* One listener while it is read. */
struct listener_draft {
    char *address, *cert, *key;
    int min_version; /* index into version_names */
    bool insecure_plaintext;
};

static const struct option tls_rows[] = {
    {.name = "cert",
     .type = OPTION_TEXT,
     .offset = offsetof(struct listener_draft, cert),
     .help = "PEM file: the certificate, then its chain"},
    {.name = "key",
     .type = OPTION_TEXT,
     .offset = offsetof(struct listener_draft, key),
     .help = "PEM file: its private key; not readable by others"},
    {.name = "min_version",
     .type = OPTION_ENUM,
     .offset = offsetof(struct listener_draft, min_version),
     .choices = version_names,
     .fallback = "1.3",
     .help = "oldest TLS version spoken"},
    {.name = "certificates", .type = OPTION_LATER, .help = "several certificates by name"},
    {.name = "client_certificates", .type = OPTION_LATER, .harmless = "off", .help = "only: off"},
    {.name = "client_ca", .type = OPTION_LATER, .help = "who signs client certificates"},
    {.name = "client_crl", .type = OPTION_LATER, .help = "revoked client certificates"},
    {0},
};
const struct option options_listener_rows[] = {
    {.name = "address",
     .type = OPTION_TEXT,
     .offset = offsetof(struct listener_draft, address),
     .help = "127.0.0.1:8443, [::1]:8443 or unix:/path; port 0: the system chooses"},
    {.name = "tls", .type = OPTION_SECTION, .children = tls_rows},
    {.name = "insecure_plaintext",
     .type = OPTION_BOOL,
     .offset = offsetof(struct listener_draft, insecure_plaintext),
     .fallback = "false",
     .help = "allows a listener without tls on an address others can reach"},
    {.name = "trusted_proxies", .type = OPTION_LATER, .harmless = "[]", .help = "only: []"},
    {.name = "proxy_protocol", .type = OPTION_LATER, .harmless = "false", .help = "only: false"},
    {0},
};

/* A file that is there and can be read. tls_server_new would notice too, but could not say which of
 * the two it was. */
static bool check_file(const char *path, const struct node *place, struct problems *problems)
{
    struct stat st;

    if (access(path, R_OK) != 0 || stat(path, &st) != 0) {
        problems_add(problems, place->line, place->column, "`%s`: cannot read %s: %s",
                     problem_word(place->key).text, path, strerror(errno));
        return false;
    }
    if (!S_ISREG(st.st_mode)) {
        problems_add(problems, place->line, place->column, "`%s`: %s is not a regular file",
                     problem_word(place->key).text, path);
        return false;
    }
    return true;
}

static void check_pair(const struct listen_options *listener, const struct node *place,
                       struct problems *problems)
{
    struct tls_server_options options = {listener->cert_path, listener->key_path,
                                         listener->allows_tls12};
    struct tls_server *tls = NULL;
    struct error why = {{0}, 0, 0};

    if (tls_server_new(&tls, &options, &why) != OK)
        problems_add(problems, place->line, place->column, "`cert`: %s", why.text);
    tls_server_free(tls);
}

static void finish_tls(struct loading *l, struct listen_options *out,
                       const struct listener_draft *draft, struct node *tls,
                       struct problems *problems)
{
    struct node *cert = node_member(tls, "cert"), *key = node_member(tls, "key");
    bool can_read;

    if (tls->type != NODE_MAP)
        return; /* reported already */
    if (cert == NULL || key == NULL) {
        if (node_member(tls, "certificates") == NULL)
            problems_add(problems, tls->key_line, tls->key_column,
                         "`tls` needs both `cert` and `key`");
        return;
    }
    if (draft->cert == NULL || draft->key == NULL)
        return;
    out->cert_path = options_path(l, draft->cert, cert, problems);
    out->key_path = options_path(l, draft->key, key, problems);
    out->allows_tls12 = strcmp(version_names[draft->min_version], "1.2") == 0;
    if (out->cert_path == NULL || out->key_path == NULL)
        return;
    can_read = check_file(out->cert_path, cert, problems);
    if (check_file(out->key_path, key, problems) && can_read)
        check_pair(out, cert, problems);
}

/* Nobody gets plaintext beyond this machine without having said so by name (guide-coverage: WSS).
 */
static void check_plaintext(const struct listen_options *listener, const struct node *place,
                            struct problems *problems)
{
    if (listener->insecure_plaintext || listen_address_is_local(&listener->address))
        return;
    problems_add(
        problems, place->line, place->column,
        "%s without `tls` would let everyone on the way read and change messages. Add tls: {cert: "
        "FILE, key: FILE}, "
        "listen on 127.0.0.1, or say insecure_plaintext: true if a proxy in front does TLS",
        problem_word(view_of_text(listener->address_text)).text);
}

static bool is_double(const struct loading *l, const struct listen_options *listener)
{
    for (uint32_t i = 0; i < l->o.listeners_count; i++)
        if (strcmp(l->o.listeners[i].address_text, listener->address_text) == 0 &&
            (listener->address.port != 0 || listener->address.unix_path[0] != '\0'))
            return true;
    return false;
}

static void listener_clear(struct listen_options *listener)
{
    free(listener->address_text);
    free(listener->cert_path);
    free(listener->key_path);
    memset(listener, 0, sizeof(*listener));
}

static void add_listener(struct loading *l, struct node *entry, struct problems *problems)
{
    struct listen_options *listener = &l->o.listeners[l->o.listeners_count];
    struct node *place = node_member(entry, "address"), *tls = node_member(entry, "tls");
    struct listener_draft draft = {0};
    struct error why = {{0}, 0, 0};

    options_read(options_listener_rows, entry, &draft, problems);
    if (place == NULL && entry->type == NODE_MAP)
        problems_add(problems, entry->line, entry->column, "a listener needs an `address`");
    listener->address_text = draft.address;
    listener->line = entry->line;
    listener->insecure_plaintext = draft.insecure_plaintext || l->insecure_plaintext;
    if (tls != NULL)
        finish_tls(l, listener, &draft, tls, problems);
    if (draft.address != NULL &&
        listen_address_parse(&listener->address, draft.address, &why) != OK)
        problems_add(problems, place->line, place->column, "`address`: %s", why.text);
    else if (draft.address != NULL && tls == NULL)
        check_plaintext(listener, place, problems);
    free(draft.cert);
    free(draft.key);
    if (draft.address == NULL) {
        listener_clear(listener);
        return;
    }
    if (is_double(l, listener))
        problems_add(problems, place->line, place->column, "two listeners have the address %s",
                     problem_word(view_of_text(draft.address)).text);
    l->o.listeners_count++;
}

int options_read_listen(struct node *value, void *target, struct problems *problems)
{
    struct loading *l = target;

    if (!option_is_list(value, LISTENERS_MAX, problems))
        return E_INVALID;
    if (value->count == 0)
        problems_add(
            problems, value->line, value->column,
            "`listen` names no listener: listen: [{address: 127.0.0.1:8080}] is the smallest");
    l->o.listeners = options_alloc(value->count, sizeof(*l->o.listeners), value, problems);
    if (l->o.listeners == NULL)
        return E_INVALID;
    for (struct node *entry = value->first; entry != NULL; entry = entry->next)
        add_listener(l, entry, problems);
    return OK;
}

void options_clear_listen(struct options *o)
{
    for (uint32_t i = 0; i < o->listeners_count; i++)
        listener_clear(&o->listeners[i]);
    for (uint32_t i = 0; i < o->routes_count; i++)
        free(o->routes[i].path);
    free(o->listeners);
    free(o->routes);
    free(o->hosts);
    free(o->origins);
}
