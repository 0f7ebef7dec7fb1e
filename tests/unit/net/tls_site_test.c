/* SPDX-License-Identifier: Apache-2.0 */
/* tls_site_test.c: a connection that comes under a site takes over each of its settings: what
 * SSL_set_SSL_CTX leaves behind would let clients in who must not come. */
#include "rig.h"

#include "base/status.h"
#include "net/tls_private.h"

static struct tls_server *open_pair(const struct rig *rig, struct tls_site_options *sites)
{
    static const char *const first[] = {"localhost"};
    struct tls_server_options options = {.sites = sites, .sites_count = 1};
    struct tls_server *t = NULL;
    struct error why = {.text = ""};

    sites[0] = (struct tls_site_options){
        .cert_path = rig->cert, .key_path = rig->key, .names = first, .names_count = 1};
    assert_int_equal(tls_server_new(&t, &options, &why), OK);
    return t;
}

/* A site that differs from an ordinary one in everything. */
static void open_other(struct tls_site *site, const struct rig *rig)
{
    struct tls_site_options o = {.cert_path = rig->cert,
                                 .key_path = rig->key,
                                 .client = TLS_CLIENT_REQUIRED,
                                 .client_ca_path = rig->ca,
                                 .client_depth = 3};
    struct error why = {.text = ""};

    memset(site, 0, sizeof(*site));
    assert_int_equal(tls_site_open(site, &o, true, &why), OK);
    assert_int_equal(SSL_CTX_set_max_proto_version(site->context, TLS1_2_VERSION), 1);
    (void)SSL_CTX_set_options(site->context, SSL_OP_NO_TICKET);
    (void)SSL_CTX_clear_options(site->context, SSL_OP_PRIORITIZE_CHACHA);
    SSL_CTX_set_max_cert_list(site->context, 12345);
}

static void each_setting_is_carried_over(void **state)
{
    struct tls_site_options sites[1];
    struct tls_site other;
    struct tls_server *t;
    struct rig rig;
    SSL *ssl;

    (void)state;
    rig_open(&rig, RIG_TLS, &rig_echo_ops);
    t = open_pair(&rig, sites);
    open_other(&other, &rig);
    ssl = SSL_new(tls_server_context(t));
    assert_int_equal(SSL_get_verify_mode(ssl), SSL_VERIFY_NONE);
    assert_true(tls_site_apply(&other, ssl));
    assert_ptr_equal(SSL_get_SSL_CTX(ssl), other.context);
    assert_int_equal(SSL_get_verify_mode(ssl), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT);
    assert_int_equal(SSL_get_verify_depth(ssl), 3);
    assert_int_equal(SSL_get_min_proto_version(ssl), TLS1_2_VERSION);
    assert_int_equal(SSL_get_max_proto_version(ssl), TLS1_2_VERSION);
    assert_int_equal(SSL_get_num_tickets(ssl), 0);
    assert_int_equal(SSL_get_max_cert_list(ssl), 12345);
    assert_true((SSL_get_options(ssl) & SSL_OP_NO_TICKET) != 0);
    assert_true((SSL_get_options(ssl) & SSL_OP_PRIORITIZE_CHACHA) == 0);
    /* And back, as far as this goes: nothing of the stricter site is left. */
    assert_true(tls_site_apply(&t->sites[0], ssl));
    assert_int_equal(SSL_get_verify_mode(ssl), SSL_VERIFY_NONE);
    assert_int_equal(SSL_get_num_tickets(ssl), 1);
    assert_true((SSL_get_options(ssl) & SSL_OP_NO_TICKET) == 0);
    assert_int_equal(SSL_get_min_proto_version(ssl), TLS1_3_VERSION);
    SSL_free(ssl);
    tls_site_clear(&other);
    tls_server_drop(t);
    rig_close(&rig);
}

/* The session id context is what a ticket is good for. */
static void another_policy_is_another_context(void **state)
{
    struct tls_site_options o;
    struct tls_site one = {0}, two = {0}, three = {0};
    struct error why = {.text = ""};
    struct rig rig;

    (void)state;
    rig_open(&rig, RIG_TLS, &rig_echo_ops);
    o = (struct tls_site_options){.cert_path = rig.cert, .key_path = rig.key};
    assert_int_equal(tls_site_open(&one, &o, false, &why), OK);
    assert_int_equal(tls_site_open(&two, &o, false, &why), OK);
    assert_memory_equal(one.id, two.id, sizeof(one.id));
    o.client_ca_path = rig.ca;
    o.client = TLS_CLIENT_OPTIONAL;
    assert_int_equal(tls_site_open(&three, &o, false, &why), OK);
    assert_memory_not_equal(one.id, three.id, sizeof(one.id));
    assert_non_null(one.tickets);
    assert_null(three.tickets);
    tls_site_clear(&two);
    o.client = TLS_CLIENT_REQUIRED;
    assert_int_equal(tls_site_open(&two, &o, false, &why), OK);
    assert_memory_not_equal(two.id, three.id, sizeof(one.id));
    tls_site_clear(&one);
    tls_site_clear(&two);
    tls_site_clear(&three);
    rig_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_setting_is_carried_over),
        cmocka_unit_test(another_policy_is_another_context),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
