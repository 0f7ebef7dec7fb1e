/* SPDX-License-Identifier: Apache-2.0 */
/* options_certificates.c: `auth.client_certificates`: which client certificate is which user. A row
 * asks for one thing that the authority vouches for, and gives a user and roles in return. */
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "server/options_load.h"

/* One row while it is read. */
struct row_draft {
    const struct role_set *set;
    char *name, *dns, *uri, *email, *fingerprint, *user;
    uint64_t roles;
};

static int read_row_roles(struct node *value, void *target, struct problems *problems)
{
    struct row_draft *draft = target;

    draft->roles = options_role_list(value, draft->set, problems);
    return OK;
}

const struct option options_certificate_rows[] = {
    {.name = "name",
     .type = OPTION_TEXT,
     .offset = offsetof(struct row_draft, name),
     .help = "common name; the subject must have exactly one"},
    {.name = "dns",
     .type = OPTION_TEXT,
     .offset = offsetof(struct row_draft, dns),
     .help = "or: DNS name in the subjectAltName"},
    {.name = "uri",
     .type = OPTION_TEXT,
     .offset = offsetof(struct row_draft, uri),
     .help = "or: URI there, such as spiffe://example.com/app"},
    {.name = "email",
     .type = OPTION_TEXT,
     .offset = offsetof(struct row_draft, email),
     .help = "or: e-mail address there"},
    {.name = "fingerprint",
     .type = OPTION_TEXT,
     .offset = offsetof(struct row_draft, fingerprint),
     .help = "or: SHA-256 of the certificate, 64 hex digits"},
    {.name = "user",
     .type = OPTION_TEXT,
     .offset = offsetof(struct row_draft, user),
     .help = "who it is then"},
    {.name = "roles",
     .type = OPTION_CUSTOM,
     .custom = read_row_roles,
     .help = "[roles] it has then"},
    {0},
};

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* 64 hex digits; colons between bytes are how openssl prints them. */
static bool read_fingerprint(uint8_t out[CERTIFICATE_FINGERPRINT], const char *text)
{
    for (size_t i = 0; i < CERTIFICATE_FINGERPRINT; i++) {
        int high, low;
        if (i > 0 && *text == ':')
            text++;
        high = hex_digit(text[0]);
        low = high >= 0 ? hex_digit(text[1]) : -1;
        if (low < 0)
            return false;
        out[i] = (uint8_t)(high * 16 + low);
        text += 2;
    }
    return *text == '\0';
}

static void take_value(struct certificate_row *row, struct row_draft *draft,
                       const struct node *entry, struct problems *problems)
{
    char **const values[CERTIFICATE_NAME_KINDS] = {[CERTIFICATE_COMMON_NAME] = &draft->name,
                                                   [CERTIFICATE_DNS] = &draft->dns,
                                                   [CERTIFICATE_URI] = &draft->uri,
                                                   [CERTIFICATE_EMAIL] = &draft->email};
    unsigned count = draft->fingerprint != NULL;

    row->by_fingerprint = draft->fingerprint != NULL;
    for (unsigned i = 0; i < CERTIFICATE_NAME_KINDS; i++) {
        if (*values[i] == NULL)
            continue;
        count++;
        row->kind = (enum certificate_name_kind)i;
        if (row->name == NULL) {
            row->name = *values[i];
            *values[i] = NULL;
        }
    }
    if (count != 1)
        problems_add(problems, entry->line, entry->column,
                     "a row names exactly one of `name`, `dns`, `uri`, `email`, `fingerprint`");
    else if (row->by_fingerprint && !read_fingerprint(row->fingerprint, draft->fingerprint))
        problems_add(problems, entry->line, entry->column,
                     "`fingerprint` is 64 hex digits: openssl x509 -in FILE -noout -fingerprint "
                     "-sha256");
    else if (row->name != NULL && row->kind == CERTIFICATE_DNS && strchr(row->name, '*') != NULL)
        problems_add(problems, entry->line, entry->column,
                     "a wildcard is no one's name: write each `dns` in full");
    else if (row->name != NULL && strlen(row->name) > CERTIFICATE_NAME_BYTES_MAX)
        problems_add(problems, entry->line, entry->column,
                     "that name is too long: at most %d bytes", CERTIFICATE_NAME_BYTES_MAX);
}

static void add_row(struct loading *l, struct node *entry, struct problems *problems)
{
    struct certificate_row *row = &l->o.auth.certificates[l->o.auth.certificates_count++];
    struct row_draft draft = {.set = &l->o.policy.roles};

    options_read(options_certificate_rows, entry, &draft, problems);
    if (entry->type == NODE_MAP)
        take_value(row, &draft, entry, problems);
    row->roles = draft.roles;
    if (draft.user != NULL && identity_user_ok(view_of_text(draft.user)))
        memcpy(row->user, draft.user, strlen(draft.user) + 1);
    else if (entry->type == NODE_MAP)
        problems_add(problems, entry->line, entry->column,
                     "`user` is missing or no user: 1 to %d of the letters A-Z a-z 0-9 _ -",
                     IDENTITY_USER_MAX);
    options_clear(options_certificate_rows, &draft);
}

int options_read_certificates(struct node *value, void *target, struct problems *problems)
{
    struct loading *l = target;

    if (!option_is_list(value, CERTIFICATES_MAX, problems))
        return E_INVALID;
    l->o.auth.certificates =
        options_alloc(value->count, sizeof(*l->o.auth.certificates), value, problems);
    for (struct node *entry = value->first; entry != NULL && l->o.auth.certificates != NULL;
         entry = entry->next)
        add_row(l, entry, problems);
    return OK;
}

void options_clear_certificates(struct options *o)
{
    for (uint32_t i = 0; i < o->auth.certificates_count; i++)
        free((void *)(uintptr_t)o->auth.certificates[i].name);
    free(o->auth.certificates);
}
