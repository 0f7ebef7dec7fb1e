/* SPDX-License-Identifier: Apache-2.0 */
/* api_control.h: what the JSON bodies of the endpoints ask for that steer a running server:
 * broadcast, subscriptions of users, disconnecting, and lists of what is there. Pure; views point
 * into the JSON tree. */
#ifndef API_API_CONTROL_H
#define API_API_CONTROL_H

#include "api/api_ask.h"

#define API_LIST_MAX               100 /* rows of one page */
#define API_BROADCAST_CHANNELS_MAX 100

struct api_broadcast_ask {
    const struct json *channels; /* a list of channel names; NULL: everybody who listens at all */
    const struct json *data;
};
struct api_subscription_ask {
    bool ends;
    struct view user, channel;
};
struct api_disconnect_ask {
    struct view user; /* ptr NULL: the connection */
    uint8_t connection[16];
    bool reconnects; /* it is told to come back */
};
enum api_moderate_action {
    API_KICK,
    API_UNKICK,
    API_MUTE,
    API_UNMUTE,
    API_CLOSE_CHANNEL,
    API_OPEN_CHANNEL
};
#define API_MODERATE_SECONDS_MAX 2592000
struct api_moderate_ask {
    enum api_moderate_action action;
    struct view channel;
    struct view user; /* ptr NULL: the connection, or nobody in particular */
    uint8_t connection[16];
    uint32_t seconds; /* 0: none were said */
    struct view key;  /* the name of the key that asks; its caller's to fill */
};
enum api_list_kind { API_LIST_CHANNELS, API_LIST_CONNECTIONS, API_LIST_INFO, API_LIST_METRICS };
struct api_list_ask {
    enum api_list_kind kind;
    struct view prefix, user; /* which channels, whose connections; empty: all */
    struct view after;        /* the row behind which the page begins; empty: the first */
    uint8_t after_connection[16];
    uint32_t limit;
};
/* API_RESULT_OK, or what is wrong. *out is written on OK only. */
enum api_result api_ask_broadcast(struct api_broadcast_ask *out, const struct json *body);
enum api_result api_ask_subscription(struct api_subscription_ask *out, const struct json *body,
                                     bool ends);
enum api_result api_ask_disconnect(struct api_disconnect_ask *out, const struct json *body);
enum api_result api_ask_moderate(struct api_moderate_ask *out, const struct json *body);
enum api_result api_ask_channels(struct api_list_ask *out, const struct json *body);
enum api_result api_ask_connections(struct api_list_ask *out, const struct json *body);

#endif
