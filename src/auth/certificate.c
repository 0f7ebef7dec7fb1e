/* SPDX-License-Identifier: Apache-2.0 */
/* certificate.c: from a verified certificate to a row of the configuration. */
#include "auth/certificate.h"

#include <string.h>

#include "access/scope.h"
#include "base/status.h"

static bool name_matches(const struct certificate_row *row, const struct certificate_name *name)
{
    if (row->kind != name->kind)
        return false;
    if (row->kind == CERTIFICATE_DNS)
        return view_eq_nocase(view_of_text(row->name), view_of_text(name->text));
    return strcmp(row->name, name->text) == 0;
}

static bool row_matches(const struct certificate_row *row, const struct client_certificate *cert)
{
    if (row->by_fingerprint)
        return memcmp(row->fingerprint, cert->fingerprint, sizeof(row->fingerprint)) == 0;
    for (uint32_t i = 0; i < cert->names_count; i++)
        if (name_matches(row, &cert->names[i]))
            return true;
    return false;
}

enum certificate_fault certificate_identify(struct identity *who,
                                            const struct certificate_row *rows, uint32_t rows_count,
                                            struct view der, int64_t wall_s)
{
    struct client_certificate cert;

    if (client_certificate_read(&cert, der) != OK)
        return CERTIFICATE_INVALID;
    if (cert.ends_s <= wall_s)
        return CERTIFICATE_EXPIRED;
    for (uint32_t i = 0; i < rows_count; i++) {
        if (!row_matches(&rows[i], &cert))
            continue;
        memset(who, 0, sizeof(*who));
        who->user_bytes = (uint8_t)strlen(rows[i].user);
        memcpy(who->user, rows[i].user, who->user_bytes);
        who->method = IDENTITY_CERTIFICATE;
        who->scopes = SCOPES_ALL;
        who->roles = rows[i].roles;
        who->authenticated_at_s = wall_s;
        who->expires_at_s = cert.ends_s;
        return CERTIFICATE_OK;
    }
    return CERTIFICATE_UNKNOWN;
}

const char *certificate_fault_text(enum certificate_fault fault)
{
    switch (fault) {
    case CERTIFICATE_OK:
        return "ok";
    case CERTIFICATE_INVALID:
        return "certificate_invalid";
    case CERTIFICATE_EXPIRED:
        return "certificate_expired";
    case CERTIFICATE_UNKNOWN:
        break;
    }
    return "certificate_unknown";
}
