/* SPDX-License-Identifier: Apache-2.0 */
/* audit_probe_tls.c: which versions of TLS, which certificate, and whether there is a way around
 * both. */
#include <stdio.h>

#include "base/status.h"
#include "cli/audit_probe.h"

#define DAY_S     (24 * 60 * 60L)
#define LAST_DAYS 3
#define SOON_DAYS 14

static void check_version(struct probe *p, enum tls_probe_version version, const char *name)
{
    struct link_dial how = {LINK_TLS, version, 0};
    bool is_good = version == TLS_PROBE_13;
    struct audit_link l;
    int rc = link_dial(&l, &p->target, &how);

    if (rc == OK)
        PROBE_ADD(p, AUDIT_TLS, is_good ? AUDIT_PASS : AUDIT_FAIL, "%s is spoken", name);
    else if (rc == E_DENIED)
        PROBE_ADD(p, AUDIT_TLS, is_good ? AUDIT_FAIL : AUDIT_PASS, "%s is refused", name);
    else
        PROBE_ADD(p, AUDIT_TLS, AUDIT_UNKNOWN, "%s: %s", name, l.why.text);
    link_close(&l);
}

static bool check_certificate(struct probe *p, const struct tls_probe *tls)
{
    const char *fault = tls_probe_distrust(tls);
    long seconds = 0;

    if (fault != NULL)
        PROBE_ADD(p, AUDIT_TLS, AUDIT_FAIL, "the certificate is not to be trusted: %s", fault);
    else
        PROBE_ADD(p, AUDIT_TLS, AUDIT_PASS, "the certificate is good for %s",
                  p->target.url.host.name);
    if (tls_probe_expires_in(tls, &seconds) && seconds < SOON_DAYS * DAY_S)
        PROBE_ADD(p, AUDIT_TLS, seconds < LAST_DAYS * DAY_S ? AUDIT_FAIL : AUDIT_NOTE,
                  "the certificate ends in %ld days", seconds / DAY_S);
    if (tls_probe_asks_for_certificate(tls))
        PROBE_ADD(p, AUDIT_MTLS, AUDIT_PASS, "the server asks for a client certificate");
    else
        PROBE_ADD(p, AUDIT_MTLS, AUDIT_UNKNOWN,
                  "no client certificate is asked for; whether yours must be, nobody can see");
    return fault == NULL;
}

static void check_plaintext(struct probe *p, uint16_t port)
{
    struct link_dial how = {LINK_PLAIN, TLS_PROBE_ANY, port};
    struct link_door door = {.origin = p->origin};
    struct audit_link l;
    int rc = link_dial(&l, &p->target, &how);
    unsigned number = port != 0 ? port : p->target.url.host.port;

    if (rc != OK)
        PROBE_ADD(p, AUDIT_TLS, AUDIT_PASS, "port %u does not answer", number);
    else if (link_upgrade(&l, &p->target, &door) == OK)
        PROBE_ADD(p, AUDIT_TLS, AUDIT_FAIL, "ws:// on port %u works: no TLS at all", number);
    else
        PROBE_ADD(p, AUDIT_TLS, AUDIT_PASS, "ws:// on port %u is not answered with 101", number);
    link_close(&l);
}

bool probe_tls(struct probe *p)
{
    struct link_dial how = {LINK_TLS, TLS_PROBE_ANY, 0};
    struct audit_link l;
    bool is_trusted = false;

    if (!p->target.url.is_tls) {
        PROBE_ADD(p, AUDIT_TLS, AUDIT_FAIL,
                  "ws:// is plaintext: everybody on the way reads and changes what is said");
        PROBE_ADD(p, AUDIT_MTLS, AUDIT_UNKNOWN, "without TLS there are no client certificates");
        return false;
    }
    if (link_dial(&l, &p->target, &how) == OK)
        is_trusted = check_certificate(p, l.tls);
    link_close(&l);
    check_version(p, TLS_PROBE_13, "TLS 1.3");
    check_version(p, TLS_PROBE_12, "TLS 1.2");
    check_version(p, TLS_PROBE_11, "TLS 1.1");
    check_version(p, TLS_PROBE_10, "TLS 1.0");
    check_plaintext(p, 0);
    if (p->target.url.host.port == 443)
        check_plaintext(p, 80);
    return is_trusted;
}
