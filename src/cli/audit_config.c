/* SPDX-License-Identifier: Apache-2.0 */
/* audit_config.c: an audit of a configuration: it is loaded as `serve` would, and read once more as
 * a document, so that each finding names its line. Here: the lookups, listeners and certificates.
 */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/num.h"
#include "base/status.h"
#include "cli/audit_lint.h"
#include "cli/cli.h"
#include "crypto/x509.h"

#define DAY_S     (24 * 60 * 60L)
#define LAST_DAYS 3  /* nobody renews it any more */
#define SOON_DAYS 14 /* normal only for short-lived ones */
#define KEY_MAX   64
/* Of IPv4 10.0.0.0/8 is the widest network that anyone has for himself; fd00::/8 of IPv6. */
#define WIDEST_PROXIES 8

struct node *lint_find(struct node *from, const char *path)
{
    struct view rest = view_of_text(path), word;
    char key[KEY_MAX];

    while (from != NULL && rest.len > 0) {
        (void)view_split(rest, '.', &word, &rest);
        if (word.len >= sizeof(key))
            return NULL;
        memcpy(key, word.ptr, word.len);
        key[word.len] = '\0';
        from = from->type == NODE_MAP ? node_member(from, key) : NULL;
    }
    return from;
}

struct node *lint_item(struct node *list, uint32_t index)
{
    struct node *item = list != NULL && list->type == NODE_LIST ? list->first : NULL;

    while (item != NULL && index-- > 0)
        item = item->next;
    return item;
}

static int line_of(const struct node *node)
{
    return node->key_line > 0 ? node->key_line : node->line;
}

static int deepest_line(struct node *from, const char *path, int line)
{
    struct view rest = view_of_text(path), word;
    char key[KEY_MAX];

    while (from != NULL && rest.len > 0) {
        (void)view_split(rest, '.', &word, &rest);
        if (word.len >= sizeof(key) || from->type != NODE_MAP)
            break;
        memcpy(key, word.ptr, word.len);
        key[word.len] = '\0';
        from = node_member(from, key);
        if (from != NULL)
            line = line_of(from);
    }
    return line;
}

int lint_line(struct node *from, const char *path)
{
    return deepest_line(from, path, from != NULL ? line_of(from) : 0);
}

int lint_root_line(const struct lint *lint, const char *path)
{
    return deepest_line(lint->root, path, 0);
}

bool lint_is_true(struct node *from, const char *path)
{
    const struct node *node = lint_find(from, path);

    return node != NULL && node->type == NODE_SCALAR && view_eq(node->text, VIEW("true"));
}

/* --- point 1 --- */

static void check_expiry(const struct lint *lint, const char *path, int line)
{
    long seconds = 0;

    if (x509_file_expires_in(path, &seconds, NULL) != 0)
        LINT_UNKNOWN(lint, AUDIT_TLS, line, "the end of the certificate %s cannot be read", path);
    else if (seconds < LAST_DAYS * DAY_S)
        LINT_FAIL(lint, AUDIT_TLS, line, "the certificate %s expires in %ld days", path,
                  seconds / DAY_S);
    else if (seconds < SOON_DAYS * DAY_S)
        LINT_NOTE(lint, AUDIT_TLS, line, "the certificate %s expires in %ld days", path,
                  seconds / DAY_S);
}

static void check_listener(const struct lint *lint, const struct listen_options *l,
                           struct node *item)
{
    struct node *tls = lint_find(item, "tls"), *more = lint_find(tls, "certificates");
    bool has_own_certificate = lint_find(tls, "cert") != NULL;

    if (l->tls.sites_count == 0 && !listen_address_is_local(&l->address)) {
        int own = lint_find(item, "insecure_plaintext") != NULL
                      ? lint_line(item, "insecure_plaintext")
                      : lint_root_line(lint, "insecure_plaintext");

        LINT_FAIL(lint, AUDIT_TLS, own > 0 ? own : l->line,
                  "%s speaks plaintext to the network (insecure_plaintext)", l->address_text);
        return;
    }
    if (l->tls.sites_count == 0) {
        LINT_UNKNOWN(lint, AUDIT_TLS, lint_line(item, "address"),
                     "%s speaks plaintext on this machine: whoever passes it on must speak TLS 1.3",
                     l->address_text);
        return;
    }
    if (l->tls.allows_tls12)
        LINT_FAIL(lint, AUDIT_TLS, lint_line(tls, "min_version"), "%s still speaks TLS 1.2",
                  l->address_text);
    else
        LINT_PASS(lint, AUDIT_TLS, lint_line(item, "address"), "%s speaks TLS 1.3 only",
                  l->address_text);
    for (uint32_t i = 0; i < l->tls.sites_count; i++) {
        struct node *site =
            has_own_certificate && i == 0 ? tls : lint_item(more, has_own_certificate ? i - 1 : i);

        check_expiry(lint, l->tls.sites[i].cert_path, lint_line(site, "cert"));
    }
}

/* --- point 7: who is believed about addresses --- */

static void check_proxies(const struct lint *lint, struct node *listener)
{
    const struct node *list = lint_find(listener, "trusted_proxies");
    struct view address, bits;
    uint64_t number;

    for (struct node *item = list != NULL ? list->first : NULL; item != NULL; item = item->next)
        if (view_split(item->text, '/', &address, &bits) && num_parse_u64(bits, 128, &number) &&
            number < WIDEST_PROXIES)
            LINT_FAIL(lint, AUDIT_RATES, lint_line(item, ""),
                      "trusted_proxies: %s lets strangers say which address they come from: limits "
                      "by address mean nothing then",
                      problem_word(item->text).text);
}

/* --- point 11 --- */

static void check_client_certificates(const struct lint *lint, const struct listen_options *l,
                                      struct node *item)
{
    int line = lint_line(item, "tls.client_certificates");

    for (uint32_t i = 0; i < l->tls.sites_count; i++) {
        const struct tls_site_options *site = &l->tls.sites[i];

        if (site->client == TLS_CLIENT_OFF)
            continue;
        if (site->client_crl_path == NULL)
            LINT_FAIL(lint, AUDIT_MTLS, line,
                      "%s with %s asks for client certificates but has no client_crl: none can be "
                      "taken back",
                      l->address_text, site->cert_path);
        else
            LINT_PASS(lint, AUDIT_MTLS, line,
                      "%s with %s: client certificates are %s, and looked up in a revocation list",
                      l->address_text, site->cert_path,
                      site->client == TLS_CLIENT_REQUIRED ? "required" : "optional");
    }
}

static void check_listeners(const struct lint *lint)
{
    struct node *list = lint_find(lint->root, "listen");
    const uint32_t *seen = lint->report->seen[AUDIT_MTLS];

    for (uint32_t i = 0; i < lint->o->listeners_count; i++) {
        check_listener(lint, &lint->o->listeners[i], lint_item(list, i));
        check_proxies(lint, lint_item(list, i));
        check_client_certificates(lint, &lint->o->listeners[i], lint_item(list, i));
    }
    if (lint_is_true(lint->root, "auth.sessions.redis.insecure_plaintext"))
        LINT_FAIL(lint, AUDIT_TLS, lint_root_line(lint, "auth.sessions.redis.insecure_plaintext"),
                  "sessions go to Redis on another machine without TLS");
    if (seen[AUDIT_PASS] + seen[AUDIT_FAIL] == 0)
        LINT_UNKNOWN(lint, AUDIT_MTLS, 0,
                     "no listener asks for client certificates; whether yours must, no "
                     "configuration says");
}

/* --- the whole --- */

static bool lint_document(struct audit *a, const struct options *o, const char *path)
{
    struct buf text = BUF_INIT(OPTIONS_FILE_MAX);
    const char *slash = strrchr(path, '/');
    struct document *doc = NULL;
    struct problems problems;
    char *directory = slash == NULL   ? strdup(".")
                      : slash == path ? strdup("/")
                                      : strndup(path, (size_t)(slash - path));
    bool is_good;

    problems_init(&problems, path);
    is_good = directory != NULL && file_read(&text, path) == OK &&
              document_parse(&doc, buf_view(&text), &problems) == OK;
    if (is_good) {
        struct lint lint = {a, o, document_root(doc), path, directory};

        check_listeners(&lint);
        lint_access(&lint);
        lint_limits(&lint);
        lint_files(&lint);
    } else {
        (void)fprintf(stderr, "gateward audit: %s changed while it was read\n", path);
    }
    document_free(doc);
    problems_clear(&problems);
    buf_clear(&text);
    free(directory);
    return is_good;
}

bool audit_config(struct audit *a, const char *path)
{
    struct options *options = cli_load(path);
    bool is_good;

    if (options == NULL)
        return false;
    is_good = lint_document(a, options, path);
    options_free(options);
    return is_good;
}
