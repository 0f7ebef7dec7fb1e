/* SPDX-License-Identifier: Apache-2.0 */
/* options_tls.c: `tls` of a listener: its certificates, the names they serve, and what is asked of
 * clients. All files are tried out here, so that a file which `gateward check` likes is a file that
 * `gateward serve` can start with. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/status.h"
#include "net/tls.h"
#include "server/options_load.h"

#define NAMES_MAX 256

static const char *const version_names[] = {"1.3", "1.2", NULL};
enum { RECORDS_AUTO, RECORDS_OPENSSL };
static const char *const records_names[] = {
    [RECORDS_AUTO] = "auto", [RECORDS_OPENSSL] = "openssl", NULL};
static const char *const policy_names[] = {[TLS_CLIENT_OFF] = "off",
                                           [TLS_CLIENT_OPTIONAL] = "optional",
                                           [TLS_CLIENT_REQUIRED] = "required",
                                           NULL};
enum { OCSP_OFF, OCSP_FETCH };
static const char *const ocsp_names[] = {[OCSP_OFF] = "off", [OCSP_FETCH] = "fetch", NULL};
static const char *const crl_names[] = {"client", "chain", NULL};

static int read_names(struct node *value, void *target, struct problems *problems)
{
    if (!option_is_list(value, NAMES_MAX, problems))
        return E_INVALID;
    ((struct site_draft *)target)->names = value;
    return OK;
}

static int read_certificates(struct node *value, void *target, struct problems *problems)
{
    if (!option_is_list(value, TLS_SITES_MAX - 1, problems))
        return E_INVALID;
    ((struct listener_draft *)target)->certificates = value;
    return OK;
}

/* The same rows for the certificate of the listener and for each of `certificates`. */
#define SITE_ROWS(type_, base)                                                                     \
    {.name = "cert",                                                                               \
     .type = OPTION_TEXT,                                                                          \
     .offset = offsetof(type_, base cert),                                                         \
     .help = "PEM file: the certificate, then its chain"},                                         \
        {.name = "key",                                                                            \
         .type = OPTION_TEXT,                                                                      \
         .offset = offsetof(type_, base key),                                                      \
         .help = "PEM file: its private key; not readable by others"},                             \
        {.name = "ocsp_staple",                                                                    \
         .type = OPTION_TEXT,                                                                      \
         .offset = offsetof(type_, base staple),                                                   \
         .help = "DER file: an OCSP answer about the certificate, sent along until it is out of "  \
                 "date"},                                                                          \
        {.name = "ocsp",                                                                           \
         .type = OPTION_ENUM,                                                                      \
         .offset = offsetof(type_, base ocsp),                                                     \
         .choices = ocsp_names,                                                                    \
         .fallback = "off",                                                                        \
         .help = "fetch: keeps an OCSP answer at hand, from the responder that the certificate "   \
                 "names, and sends it along"},                                                     \
        {.name = "client_certificates",                                                            \
         .type = OPTION_ENUM,                                                                      \
         .offset = offsetof(type_, base policy),                                                   \
         .choices = policy_names,                                                                  \
         .fallback = "off",                                                                        \
         .help = "certificates of clients; a bad one is refused in any case but off"},             \
        {.name = "client_ca",                                                                      \
         .type = OPTION_TEXT,                                                                      \
         .offset = offsetof(type_, base ca),                                                       \
         .help = "PEM file: who signs client certificates"},                                       \
        {.name = "client_crl",                                                                     \
         .type = OPTION_TEXT,                                                                      \
         .offset = offsetof(type_, base crl),                                                      \
         .help = "PEM file: revoked client certificates, one list for each authority"},            \
        {.name = "client_crl_scope",                                                               \
         .type = OPTION_ENUM,                                                                      \
         .offset = offsetof(type_, base crl_scope),                                                \
         .choices = crl_names,                                                                     \
         .fallback = "client",                                                                     \
         .help = "what is looked up: the client's own certificate, or the whole chain"},           \
    {                                                                                              \
        .name = "client_depth", .type = OPTION_COUNT, .offset = offsetof(type_, base depth),       \
        .min = 0, .max = TLS_CLIENT_DEPTH_MAX, .fallback = "4",                                    \
        .help = "certificates between the client's own and one of client_ca"                       \
    }

static const struct option site_rows[] = {
    SITE_ROWS(struct site_draft, ),
    {.name = "names",
     .type = OPTION_CUSTOM,
     .custom = read_names,
     .help = "[names] that get it, *. for one leftmost label; absent: those in the certificate"},
    {0},
};
const struct option options_tls_rows[] = {
    SITE_ROWS(struct listener_draft, site.),
    {.name = "min_version",
     .type = OPTION_ENUM,
     .offset = offsetof(struct listener_draft, min_version),
     .choices = version_names,
     .fallback = "1.3",
     .help = "oldest TLS version spoken"},
    {.name = "records",
     .type = OPTION_ENUM,
     .offset = offsetof(struct listener_draft, records),
     .choices = records_names,
     .fallback = "auto",
     .help = "what carries a TLS 1.3 connection once its handshake is done: auto: code of ours, "
             "where that can be"},
    {.name = "certificates",
     .type = OPTION_CUSTOM,
     .custom = read_certificates,
     .children = site_rows,
     .help = "more certificates, chosen by the name that a client asks for"},
    {0},
};

/* A file that is there and can be read. tls_server_new would notice too, but could not say which of
 * them it was. */
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

/* The file of one key, from the folder of the configuration. */
static char *take_path(const struct loading *l, struct node *map, const char *key,
                       const char *written, struct problems *problems)
{
    const struct node *place = node_member(map, key);
    char *path;

    if (written == NULL || place == NULL)
        return NULL;
    path = options_path(l, written, place, problems);
    if (path != NULL)
        (void)check_file(path, place, problems);
    return path;
}

static void take_names(struct tls_site_options *site, const struct node *list,
                       struct problems *problems)
{
    const char **names = options_alloc(list->count, sizeof(*names), list, problems);

    site->names = names;
    for (struct node *item = list->first; item != NULL && names != NULL; item = item->next) {
        char *name = NULL;
        if (option_text(item, &name, problems))
            names[site->names_count++] = name;
    }
}

/* What is asked of clients, as it stands in `map`. */
static void take_clients(const struct loading *l, struct tls_site_options *site,
                         const struct site_draft *draft, struct node *map,
                         struct problems *problems)
{
    site->client = (enum tls_client_policy)draft->policy;
    site->client_depth = (uint32_t)draft->depth;
    site->checks_crl_of_chain = strcmp(crl_names[draft->crl_scope], "chain") == 0;
    if (site->client == TLS_CLIENT_OFF)
        return;
    site->client_ca_path = take_path(l, map, "client_ca", draft->ca, problems);
    site->client_crl_path = take_path(l, map, "client_crl", draft->crl, problems);
    if (draft->ca == NULL)
        problems_add(problems, map->line, map->column,
                     "`client_certificates` needs `client_ca`: the file of those who sign them");
}

static bool asks_clients(struct node *map)
{
    static const char *const keys[] = {"client_ca", "client_crl", "client_crl_scope",
                                       "client_depth"};
    bool is_any = false;

    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        is_any = node_member(map, keys[i]) != NULL || is_any;
    return is_any;
}

static void take_site(const struct loading *l, struct listen_options *out,
                      const struct site_draft *draft, struct node *map, struct problems *problems)
{
    struct tls_site_options *sites = (struct tls_site_options *)(uintptr_t)out->tls.sites;
    struct tls_site_options *site = &sites[out->tls.sites_count++];

    site->cert_path = take_path(l, map, "cert", draft->cert, problems);
    site->key_path = take_path(l, map, "key", draft->key, problems);
    site->staple_path = take_path(l, map, "ocsp_staple", draft->staple, problems);
    site->fetches_staple = draft->ocsp == OCSP_FETCH;
    if (site->fetches_staple && draft->staple != NULL)
        problems_add(problems, map->line, map->column,
                     "`ocsp: fetch` and `ocsp_staple` do not go together: one of them says where "
                     "the answer comes from");
    if (draft->names != NULL)
        take_names(site, draft->names, problems);
}

static void take_entry(const struct loading *l, struct listen_options *out,
                       const struct listener_draft *listener, struct node *entry,
                       struct problems *problems)
{
    struct site_draft draft = {0};
    struct tls_site_options *site;

    options_read(site_rows, entry, &draft, problems);
    if (draft.cert == NULL || draft.key == NULL) {
        problems_add(problems, entry->line, entry->column,
                     "an entry of `certificates` needs both `cert` and `key`");
    } else {
        if (node_member(entry, "ocsp") == NULL && draft.staple == NULL)
            draft.ocsp = listener->site.ocsp; /* said once for all certificates */
        take_site(l, out, &draft, entry, problems);
        site = (struct tls_site_options *)(uintptr_t)&out->tls.sites[out->tls.sites_count - 1];
        if (node_member(entry, "client_certificates") != NULL)
            take_clients(l, site, &draft, entry, problems);
        else
            take_clients(l, site, &listener->site, listener->tls, problems);
        if (node_member(entry, "client_certificates") == NULL && asks_clients(entry))
            problems_add(problems, entry->line, entry->column,
                         "say `client_certificates` here too: without it the listener's own "
                         "client_* count");
    }
    options_clear(site_rows, &draft);
}

static void try_out(const struct listen_options *out, struct node *tls, struct problems *problems)
{
    const struct node *cert = node_member(tls, "cert");
    const struct tls_site_options *first = &out->tls.sites[0];
    bool is_plain_pair = out->tls.sites_count == 1 && cert != NULL && first->staple_path == NULL &&
                         first->client == TLS_CLIENT_OFF;
    struct tls_server *server = NULL;
    struct error why = {{0}, 0, 0};

    if (tls_server_new(&server, &out->tls, &why) != OK)
        problems_add(problems, is_plain_pair ? cert->line : tls->key_line,
                     is_plain_pair ? cert->column : tls->key_column, "`%s`: %s",
                     is_plain_pair ? "cert" : "tls", why.text);
    tls_server_drop(server);
}

void options_finish_tls(const struct loading *l, struct listen_options *out,
                        const struct listener_draft *draft, struct problems *problems)
{
    struct node *tls = draft->tls;
    struct node *cert = node_member(tls, "cert"), *key = node_member(tls, "key");
    struct node *more = draft->certificates;
    unsigned errors_before = problems->errors;
    uint32_t count = 1 + (more != NULL ? more->count : 0);

    if (tls->type != NODE_MAP)
        return; /* reported already */
    if ((cert == NULL) != (key == NULL) || (cert == NULL && (more == NULL || more->count == 0))) {
        problems_add(problems, tls->key_line, tls->key_column,
                     "`tls` needs both `cert` and `key`%s",
                     more == NULL ? "" : ", or entries in `certificates`");
        return;
    }
    out->tls.sites = options_alloc(count, sizeof(*out->tls.sites), tls, problems);
    if (out->tls.sites == NULL)
        return;
    out->tls.stays_openssl = draft->records == RECORDS_OPENSSL;
    out->tls.allows_tls12 = strcmp(version_names[draft->min_version], "1.2") == 0;
    if (draft->site.cert != NULL && draft->site.key != NULL) {
        take_site(l, out, &draft->site, tls, problems);
        take_clients(l, (struct tls_site_options *)(uintptr_t)&out->tls.sites[0], &draft->site, tls,
                     problems);
    }
    for (struct node *entry = more != NULL ? more->first : NULL; entry != NULL; entry = entry->next)
        take_entry(l, out, draft, entry, problems);
    if (problems->errors == errors_before && out->tls.sites_count > 0)
        try_out(out, tls, problems);
}

void options_clear_tls(struct tls_server_options *tls)
{
    for (uint32_t i = 0; i < tls->sites_count; i++) {
        const struct tls_site_options *site = &tls->sites[i];
        const char *const paths[] = {site->cert_path, site->key_path, site->staple_path,
                                     site->client_ca_path, site->client_crl_path};

        for (size_t k = 0; k < sizeof(paths) / sizeof(paths[0]); k++)
            free((void *)(uintptr_t)paths[k]);
        for (uint32_t k = 0; k < site->names_count; k++)
            free((void *)(uintptr_t)site->names[k]);
        free((void *)(uintptr_t)site->names);
    }
    free((void *)(uintptr_t)tls->sites);
    memset(tls, 0, sizeof(*tls));
}
