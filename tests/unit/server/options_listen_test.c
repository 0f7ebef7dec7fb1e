/* SPDX-License-Identifier: Apache-2.0 */
/* options_listen_test.c: addresses, certificates and their keys, and where plaintext may be spoken.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "options_fixture.h"

#define REST AUTH CHANNELS

static void plaintext_stays_on_this_machine(void **state)
{
    struct options *o;

    (void)state;
    o = load_good("listen: [{address: \"127.0.0.1:1\"}, {address: \"[::1]:1\"}, {address: "
                  "\"unix:/tmp/x.sock\"}]\n" REST);
    assert_int_equal(o->listeners_count, 3);
    assert_int_equal(o->listeners[0].tls.sites_count, 0);
    assert_false(o->listeners[0].insecure_plaintext);
    options_free(o);
    assert_fault("listen: [{address: \"0.0.0.0:1\"}]\n" REST,
                 "t:1:20: 0.0.0.0:1 without `tls` would let everyone on the way");
    assert_fault("listen: [{address: \"[::]:1\"}]\n" REST, "without `tls`");
    assert_fault("listen: [{address: \"192.0.2.1:1\"}]\n" REST, "without `tls`");
}

static void plaintext_elsewhere_must_be_said_and_named(void **state)
{
    struct options *o;

    (void)state;
    o = load_good(
        "listen: [{address: \"0.0.0.0:1\", insecure_plaintext: true}]\nhosts: [a.example]\n" REST);
    assert_true(o->listeners[0].insecure_plaintext);
    options_free(o);
    o = load_good(
        "insecure_plaintext: true\nlisten: [{address: \"0.0.0.0:1\"}]\nhosts: [a.example]\n" REST);
    assert_true(o->listeners[0].insecure_plaintext);
    options_free(o);
    assert_fault("listen: [{address: \"0.0.0.0:1\", insecure_plaintext: true}]\n" REST,
                 "t:1:1: 0.0.0.0:1 has no certificate to take names from: list under `hosts`");
    assert_fault(
        "listen: [{address: \"127.0.0.1:1\", insecure_plaintext: yes}]\nhosts: [a.example]\n" REST,
        "did you mean `true`?");
}

static void tls_needs_a_pair_that_fits(void **state)
{
    struct options *o;

    (void)state;
    o = load_good(
        "listen: [{address: \"0.0.0.0:1\", tls: {cert: server.crt, key: server.key}}]\n" REST);
    assert_string_equal(o->listeners[0].tls.sites[0].cert_path, fixture_path("server.crt"));
    assert_string_equal(o->listeners[0].tls.sites[0].key_path, fixture_path("server.key"));
    assert_false(o->listeners[0].tls.allows_tls12);
    options_free(o);
    assert_fault("listen: [{address: \"0.0.0.0:1\", tls: {cert: server.crt}}]\n" REST,
                 "t:1:33: `tls` needs both `cert` and `key`");
    assert_fault("listen: [{address: \"0.0.0.0:1\", tls: {}}]\n" REST, "`tls` needs both");
    assert_fault("listen: [{address: \"0.0.0.0:1\", tls: null}]\n" REST,
                 "`tls` must hold `key: value` lines; it is empty");
    assert_fault(
        "listen: [{address: \"0.0.0.0:1\", tls: {cert: server.crt, key: other.key}}]\n" REST,
        "t:1:45: `cert`: ");
    assert_fault(
        "listen: [{address: \"0.0.0.0:1\", tls: {cert: none.crt, key: server.key}}]\n" REST,
        "t:1:45: `cert`: cannot read");
    assert_fault(
        "listen: [{address: \"0.0.0.0:1\", tls: {cert: server.crt, key: none.key}}]\n" REST,
        "t:1:62: `key`: cannot read");
    assert_fault("listen: [{address: \"0.0.0.0:1\", tls: {cert: server.crt, key: .}}]\n" REST,
                 "is not a regular file");
    assert_fault(
        "listen: [{address: \"0.0.0.0:1\", tls: {cert: jwt.secret, key: server.key}}]\n" REST,
        "t:1:45: `cert`: ");
    assert_fault("listen: [{address: \"0.0.0.0:1\", tls: {cert: server.crt, key: server.key, "
                 "min_version: 1.1}}]\n" REST,
                 "1.3 or 1.2");
}

static void a_key_that_others_can_read_is_refused(void **state)
{
    (void)state;
    assert_int_equal(chmod(fixture_path("server.key"), 0644), 0);
    assert_fault(
        "listen: [{address: \"0.0.0.0:1\", tls: {cert: server.crt, key: server.key}}]\n" REST,
        "`cert`: ");
    assert_int_equal(chmod(fixture_path("server.key"), 0600), 0);
}

static void addresses_must_be_addresses(void **state)
{
    (void)state;
    assert_fault("listen: [{address: nonsense}]\n" REST, "t:1:20: `address`: ");
    assert_fault("listen: [{address: \"127.0.0.1:70000\"}]\n" REST, "t:1:20: `address`: ");
    assert_fault("listen: [{}]\n" REST, "t:1:10: a listener needs an `address`");
    assert_fault("listen: [{address: \"127.0.0.1:80\"}, {address: \"127.0.0.1:80\"}]\n" REST,
                 "two listeners have the address");
    assert_fault("listen: []\n" REST, "t:1:9: `listen` names no listener");
    assert_fault("listen: 127.0.0.1:80\n" REST, "t:1:9: `listen` must be a list");
    assert_fault("listen: {address: \"127.0.0.1:80\"}\n" REST, "t:1:9: `listen` must be a list");
    assert_fault("listen: [\"127.0.0.1:80\"]\n" REST, "must hold `key: value` lines");
    options_free(
        load_good("listen: [{address: \"127.0.0.1:0\"}, {address: \"127.0.0.1:0\"}]\n" REST));
}

#define PROXIED(text) "listen: [{address: \"127.0.0.1:1\", " text "}]\n" REST

static void proxies_are_named_before_they_are_believed(void **state)
{
    struct options *o = load_good(
        PROXIED("trusted_proxies: [10.0.0.0/8, unix, \"2001:db8::1\"], proxy_protocol: true"));

    (void)state;
    assert_int_equal(o->listeners[0].proxies.count, 3);
    assert_true(o->listeners[0].proxy_protocol);
    options_free(o);
    o = load_good(PROXIED("trusted_proxies: [10.0.0.1], forwarded_header: Forwarded"));
    assert_int_equal(o->listeners[0].forwarded_header, FORWARDED_RFC7239);
    options_free(o);
    o = load_good(PROXIED("trusted_proxies: [], proxy_protocol: false"));
    assert_int_equal(o->listeners[0].proxies.count, 0);
    assert_int_equal(o->listeners[0].forwarded_header, FORWARDED_X_FORWARDED_FOR);
    options_free(o);
    assert_fault(PROXIED("proxy_protocol: true"), "`proxy_protocol` needs `trusted_proxies`");
    assert_fault(PROXIED("proxy_protocol: true, trusted_proxies: []"), "needs `trusted_proxies`");
    assert_fault(PROXIED("forwarded_header: Forwarded"), "needs `trusted_proxies`");
    assert_fault(PROXIED("trusted_proxies: [10.0.0.1], forwarded_header: Forwarded, "
                         "proxy_protocol: true"),
                 "not read where `proxy_protocol` is true");
    assert_fault(PROXIED("trusted_proxies: [10.0.0.1/8]"), "t:1:53: `10.0.0.1/8` is no network");
    assert_fault(PROXIED("trusted_proxies: [0.0.0.0/0]"), "would let everyone choose");
    assert_fault(PROXIED("trusted_proxies: [localhost]"), "`localhost` is no network");
    assert_fault(PROXIED("trusted_proxies: 10.0.0.1"), "`trusted_proxies` must be a list");
    assert_fault(PROXIED("trusted_proxies: [10.0.0.1], forwarded_header: X-Real-IP"),
                 "is not one of the choices");
}

#define SERVER    "cert: server.crt, key: server.key"
#define TLS(text) "listen: [{address: \"127.0.0.1:1\", tls: {" text "}}]\n" REST

static void several_certificates_are_told_apart_by_their_names(void **state)
{
    struct options *o;
    const struct tls_server_options *tls;

    (void)state;
    o = load_good(TLS(SERVER ", certificates: [{cert: wildcard.crt, key: wildcard.key, names: "
                             "[example.com, a.example.com]}]"));
    tls = &o->listeners[0].tls;
    assert_int_equal(tls->sites_count, 2);
    assert_int_equal(tls->sites[0].names_count, 0);
    assert_int_equal(tls->sites[1].names_count, 2);
    assert_string_equal(tls->sites[1].names[1], "a.example.com");
    assert_int_equal(tls->sites[1].client, TLS_CLIENT_OFF);
    assert_int_equal(o->hosts_count, 6); /* four of server.crt, and these two */
    options_free(o);
    options_free(load_good(
        "hosts: [example.com]\n" TLS("certificates: [{cert: wildcard.crt, key: wildcard.key}]")));
    assert_fault(TLS("certificates: []"), "`tls` needs both `cert` and `key`, or entries");
    assert_fault(TLS("certificates: [{cert: server.crt}]"), "needs both `cert` and `key`");
    assert_fault(TLS(SERVER ", certificates: [{cert: other.crt, key: other.key}]"),
                 "the name localhost belongs to two certificates");
    assert_fault(TLS("certificates: [{" SERVER ", names: [a.example.org]}]"),
                 "is not made for a.example.org");
    assert_fault(TLS("certificates: [{" SERVER ", names: [\"a.*.org\"]}]"), "is no host name");
    assert_fault(TLS(SERVER ", certificates: [{cert: none.crt, key: other.key}]"),
                 "`cert`: cannot read");
}

static void what_is_asked_of_clients_is_whole_or_refused(void **state)
{
    struct options *o;
    const struct tls_server_options *tls;

    (void)state;
    o = load_good(
        TLS(SERVER ", client_certificates: required, client_ca: ca.crt, client_depth: 1, "
                   "certificates: [{cert: wildcard.crt, key: wildcard.key, names: [example.com]}, "
                   "{cert: wildcard.crt, key: wildcard.key, names: [a.example.com], "
                   "client_certificates: off}]"));
    tls = &o->listeners[0].tls;
    assert_int_equal(tls->sites[0].client, TLS_CLIENT_REQUIRED);
    assert_int_equal(tls->sites[0].client_depth, 1);
    assert_string_equal(tls->sites[1].client_ca_path, fixture_path("ca.crt"));
    assert_int_equal(tls->sites[1].client, TLS_CLIENT_REQUIRED); /* the listener's own */
    assert_int_equal(tls->sites[2].client, TLS_CLIENT_OFF);
    options_free(o);
    options_free(load_good(TLS(SERVER ", client_certificates: off, client_ca: none.crt")));
    assert_fault(TLS(SERVER ", client_certificates: required"), "needs `client_ca`");
    assert_fault(TLS(SERVER ", client_certificates: required, client_ca: none.crt"),
                 "`client_ca`: cannot read");
    assert_fault(TLS(SERVER ", client_certificates: required, client_ca: jwt.secret"),
                 "must hold PEM certificates");
    assert_fault(TLS(SERVER ", client_certificates: required, client_ca: server.crt"),
                 "may not sign others");
    assert_fault(TLS(SERVER ", client_certificates: optional, client_ca: ca.crt, client_crl: "
                            "ca.crt"),
                 "must hold PEM revocation lists");
    assert_fault(TLS(SERVER ", client_certificates: maybe, client_ca: ca.crt"), "off, optional");
    assert_fault(TLS(SERVER ", client_depth: 10"), "client_depth");
    assert_fault(TLS("certificates: [{" SERVER ", client_ca: ca.crt}]"),
                 "say `client_certificates` here too");
    assert_fault(TLS(SERVER ", ocsp_staple: ca.crt"),
                 "ca.crt cannot be checked: put the issuer's certificate");
}

static void who_fetches_ocsp_answers_is_said_once_or_for_each(void **state)
{
    struct options *o = load_good(
        TLS(SERVER ", ocsp: fetch, certificates: ["
                   "{cert: wildcard.crt, key: wildcard.key, names: [example.com]}, "
                   "{cert: wildcard.crt, key: wildcard.key, names: [a.example.com], ocsp: off}]"));
    const struct tls_server_options *tls = &o->listeners[0].tls;

    (void)state;
    assert_true(tls->sites[0].fetches_staple);
    assert_true(tls->sites[1].fetches_staple);
    assert_false(tls->sites[2].fetches_staple);
    options_free(o);
    o = load_good(TLS(SERVER));
    assert_false(o->listeners[0].tls.sites[0].fetches_staple);
    options_free(o);
    assert_fault(TLS(SERVER ", ocsp: fetch, ocsp_staple: ca.crt"), "do not go together");
    assert_fault(TLS("certificates: [{" SERVER ", ocsp: fetch, ocsp_staple: ca.crt}]"),
                 "do not go together");
    assert_fault(TLS(SERVER ", ocsp: fetched"), "did you mean `fetch`?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plaintext_stays_on_this_machine),
        cmocka_unit_test(plaintext_elsewhere_must_be_said_and_named),
        cmocka_unit_test(tls_needs_a_pair_that_fits),
        cmocka_unit_test(a_key_that_others_can_read_is_refused),
        cmocka_unit_test(addresses_must_be_addresses),
        cmocka_unit_test(several_certificates_are_told_apart_by_their_names),
        cmocka_unit_test(what_is_asked_of_clients_is_whole_or_refused),
        cmocka_unit_test(who_fetches_ocsp_answers_is_said_once_or_for_each),
        cmocka_unit_test(proxies_are_named_before_they_are_believed),
    };

    return cmocka_run_group_tests(tests, fixture_open, fixture_close);
}
