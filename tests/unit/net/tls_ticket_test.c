/* SPDX-License-Identifier: Apache-2.0 */
/* tls_ticket_test.c: resumption, and when a ticket's key is gone. */
#include "rig.h"

#include <unistd.h>

#include "base/clock.h"
#include "net/tls_private.h"

/* Connects with the session in *session, if any, and puts the newest one there. -1: failed. 1:
 * resumed. */
static int visit(struct rig *rig, SSL_CTX *context, SSL_SESSION **session)
{
    int fd = rig_connect(rig), answer = -1;
    SSL *ssl = SSL_new(context);

    if (*session != NULL)
        (void)SSL_set_session(ssl, *session);
    if (SSL_set_fd(ssl, fd) == 1 && SSL_connect(ssl) == 1 && rig_ssl_echo(ssl, "hello")) {
        answer = SSL_session_reused(ssl);
        SSL_SESSION_free(*session);
        *session = SSL_get1_session(ssl);
    }
    rig_ssl_close(ssl, fd);
    return answer;
}

static void come_back(struct rig *rig)
{
    SSL_CTX *context = rig_ssl_context(rig);
    struct tls_tickets *tickets = tls_server_tickets(rig->tls);
    SSL_SESSION *session = NULL, *old;
    uint64_t now_ms = clock_mono_ms();

    CHECK(rig, visit(rig, context, &session) == 0);
    CHECK(rig, SSL_SESSION_get_max_early_data(session) == 0);
    CHECK(rig, visit(rig, context, &session) == 1);
    CHECK(rig, visit(rig, context, &session) == 1);
    old = SSL_SESSION_dup(session);
    tls_tickets_turn(tickets, now_ms + TLS_TICKET_ROTATE_MS - 60000); /* too soon for a change */
    CHECK(rig, visit(rig, context, &session) == 1);
    tls_tickets_turn(tickets, now_ms + TLS_TICKET_ROTATE_MS);
    CHECK(rig, visit(rig, context, &session) == 1); /* the previous key still opens */
    tls_tickets_turn(tickets, now_ms + 2 * TLS_TICKET_ROTATE_MS + 1);
    CHECK(rig, visit(rig, context, &old) == 0);     /* two changes: gone, a full handshake */
    CHECK(rig, visit(rig, context, &session) == 1); /* that one was made under the key in between */
    SSL_SESSION_free(session);
    SSL_SESSION_free(old);
    SSL_CTX_free(context);
}

static void tickets_resume_until_their_key_is_gone(void **state)
{
    static const enum rig_kind kinds[] = {RIG_TLS, RIG_TLS12};
    struct rig rig;

    (void)state;
    for (int i = 0; i < 2; i++) {
        rig_open(&rig, kinds[i], &rig_echo_ops);
        rig_run(&rig, come_back);
        assert_int_equal(rig.ends[CONN_END_SHUTDOWN], 7);
        rig_close(&rig);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tickets_resume_until_their_key_is_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
