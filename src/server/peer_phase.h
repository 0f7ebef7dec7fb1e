/* SPDX-License-Identifier: Apache-2.0 */
/* peer_phase.h: how far a connection has come. Private to server/. */
#ifndef SERVER_PEER_PHASE_H
#define SERVER_PEER_PHASE_H

/* In the order of a life; comparisons rest on it. */
enum peer_phase {
    PEER_TLS,     /* TLS handshake */
    PEER_HEAD,    /* waiting for a whole request head */
    PEER_ASKING,  /* whose request it is has been asked elsewhere; nothing is read meanwhile */
    PEER_FIRST,   /* 101 sent, waiting for the first message to be auth */
    PEER_OPEN,    /* authenticated, or on a route that asks for nothing */
    PEER_CLOSING, /* our Close is out, theirs is awaited */
    PEER_LINGER   /* all said: output leaves, input is thrown away until EOF or the deadline */
};

#endif
