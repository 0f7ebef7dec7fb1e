/* SPDX-License-Identifier: Apache-2.0 */
/* parts PART ROUNDS: does one part of a message's life that many times, and nothing else that
 * depends on how often. tests/cost/check runs it under callgrind with two numbers of rounds: the
 * difference is the part, without what setting up costs. What a part has to do again for each round
 * (a fresh copy of masked bytes) is in its number. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "access/decide.h"
#include "base/blob_store.h"
#include "base/json_out.h"
#include "base/status.h"
#include "broker/broker_engine.h"
#include "crypto/tls_record.h"
#include "hub/hub.h"
#include "limit/rate.h"
#include "message/schema.h"
#include "wire/utf8.h"
#include "wire/ws_message.h"

#define LISTENERS 1000
#define TEXT_MAX  4096

static const char chat[] = "{\"type\":\"chat_message\",\"room_id\":\"42\",\"content\":\"Shall we "
                           "meet at the station at a quarter past nine? The "
                           "early train is full of people, and the later one has a coach where one "
                           "can talk. I bring the tea\"}";
static const char many_tongues[] =
    "Ein \xc3\x84pfelchen f\xc3\xbcr Zo\xc3\xab, \xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e, "
    "\xf0\x9f\x98\x80 und sonst nur "
    "Buchstaben, wie sie \xc3\xbc"
    "berall stehen: ein Satz, der lang genug ist.";
static const char schema_text[] =
    "{\"type\":\"object\",\"required\":[\"type\",\"content\",\"room_id\"],\"properties\":{"
    "\"type\":{\"type\":\"string\",\"enum\":[\"chat_message\"]},"
    "\"content\":{\"type\":\"string\",\"maxLength\":5000},"
    "\"room_id\":{\"type\":\"string\",\"pattern\":\"^[a-zA-Z0-9_-]{1,50}$\"}}}";

static volatile size_t sink; /* results go here, so that no work can be left out */

static void must(bool is_good, const char *what)
{
    if (is_good)
        return;
    (void)fprintf(stderr, "parts: %s\n", what);
    exit(1);
}

/* --- wire --- */

static void decode(unsigned rounds, size_t bytes, bool is_text)
{
    static const struct ws_limits limits = {.message_bytes = 65536,
                                            .fragments = 16,
                                            .expect_mask = true,
                                            .accepts_text = true,
                                            .accepts_binary = true};
    static const uint8_t mask[4] = {0x12, 0x34, 0x56, 0x78};
    uint8_t frame[WS_FRAME_HEADER_MAX + TEXT_MAX], work[WS_FRAME_HEADER_MAX + TEXT_MAX];
    size_t header = ws_frame_encode(frame, is_text ? WS_TEXT : WS_BINARY, true, false, bytes, mask);
    struct ws_decoder d;
    struct ws_event event;
    size_t used;

    for (size_t i = 0; i < bytes; i++)
        frame[header + i] = (uint8_t)chat[i % (sizeof(chat) - 1)];
    ws_mask_apply(frame + header, bytes, mask, 0);
    ws_decoder_init(&d, &limits, NULL);
    for (unsigned i = 0; i < rounds; i++) {
        memcpy(work, frame, header + bytes);
        ws_decode(&d, work, header + bytes, &used, &event);
        must(event.payload_bytes == bytes && used == header + bytes, "decode");
        ws_decode(&d, work, 0, &used, &event);
    }
    ws_decoder_clear(&d);
}

static void decode_20(unsigned rounds)
{
    decode(rounds, 20, false);
}

static void decode_1024(unsigned rounds)
{
    decode(rounds, 1024, false);
}

static void decode_text_200(unsigned rounds)
{
    decode(rounds, 200, true);
}

static void utf8_ascii(unsigned rounds)
{
    for (unsigned i = 0; i < rounds; i++)
        must(utf8_ok((const uint8_t *)chat, sizeof(chat) - 1), "utf8");
}

static void utf8_mixed(unsigned rounds)
{
    for (unsigned i = 0; i < rounds; i++)
        must(utf8_ok((const uint8_t *)many_tongues, sizeof(many_tongues) - 1), "utf8");
}

/* --- message --- */

static void json(unsigned rounds)
{
    struct arena arena;
    struct json *root;
    size_t at;

    arena_init(&arena, 65536, 1 << 20);
    for (unsigned i = 0; i < rounds; i++) {
        arena_reset(&arena);
        must(json_parse(&root, view_of(chat, sizeof(chat) - 1), NULL, &arena, &at) == OK, "json");
        sink += root->text.len;
    }
    arena_clear(&arena);
}

static void schema(unsigned rounds)
{
    struct schema_scratch *scratch;
    struct schema_violation first;
    struct schema_fault fault;
    struct json *root, *message;
    struct schema *compiled;
    struct arena arena;
    size_t at;

    arena_init(&arena, 65536, 1 << 20);
    must(json_parse(&root, view_of(schema_text, sizeof(schema_text) - 1), NULL, &arena, &at) ==
                 OK &&
             schema_compile(&compiled, root, NULL, &fault) == OK,
         "schema");
    must(json_parse(&message, view_of(chat, sizeof(chat) - 1), NULL, &arena, &at) == OK, "message");
    must(schema_scratch_new(&scratch) == OK && schema_scratch_fit(scratch, compiled) == OK,
         "scratch");
    for (unsigned i = 0; i < rounds; i++)
        must(schema_check(compiled, message, scratch, &first) == SCHEMA_VALID, "valid");
    schema_scratch_free(scratch);
    schema_free(compiled);
    arena_clear(&arena);
}

/* --- policy --- */

/* Ten rules, of which the last but one fits. */
static void decision(unsigned rounds)
{
    static const char *const patterns[] = {"public:chat",
                                           "public:news",
                                           "user:{user_id}:messages",
                                           "chat:mod-only",
                                           "admin:logs",
                                           "private:team-{team_id}",
                                           "orders:{order_id}:state",
                                           "prices:{symbol}",
                                           "private:room-{room_id}",
                                           "private:desk-{desk_id}"};
    struct access_rule rules[sizeof(patterns) / sizeof(patterns[0])];
    struct access_policy policy;
    struct identity who;
    struct access_question asked = {&who, VIEW("private:room-42"), ACTION_PUBLISH, 1800000000};

    memset(&policy, 0, sizeof(policy));
    memset(rules, 0, sizeof(rules));
    memset(&who, 0, sizeof(who));
    memcpy(who.user, "alice", 5);
    who.user_bytes = 5;
    who.roles = 1;
    must(role_set_add(&policy.roles, VIEW("user"), PERMISSION_READ | PERMISSION_WRITE) == OK,
         "role");
    for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
        must(channel_pattern_parse(&rules[i].pattern, view_of_text(patterns[i]), NULL) == OK,
             "pattern");
        rules[i].needs[ACTION_PUBLISH] = PERMISSION_WRITE;
        rules[i].needs[ACTION_SUBSCRIBE] = PERMISSION_READ;
    }
    policy.rules = rules;
    policy.rules_count = sizeof(patterns) / sizeof(patterns[0]);
    must(access_policy_build(&policy) == OK, "rules");
    for (unsigned i = 0; i < rounds; i++)
        must(access_decide(&policy, &asked, NULL), "decide");
}

/* What a message takes: two rates of its connection, two of its user. */
static void limiter(unsigned rounds)
{
    struct rate_limit minute = rate_limit_make(1000000000, 60000, 1000000000);
    struct rate_limit hour = rate_limit_make(1000000000, 3600000, 1000000000);
    struct rate_shared user_minute, user_hour;
    struct rate own_minute = {0}, own_hour = {0};
    uint64_t now = 1000000000000;

    atomic_init(&user_minute.arrival_ns, 0);
    atomic_init(&user_hour.arrival_ns, 0);
    for (unsigned i = 0; i < rounds; i++) {
        now += 1000;
        must(rate_take(&own_minute, &minute, now) && rate_take(&own_hour, &hour, now) &&
                 rate_shared_take(&user_minute, &minute, now) &&
                 rate_shared_take(&user_hour, &hour, now),
             "rate");
    }
}

/* --- publishing --- */

static void deliver(struct hub_subscriber *s, struct blob *frame)
{
    (void)s;
    blob_drop(blob_keep(frame)); /* a queue would hold it in between */
}

static int interest_add(struct broker *b, unsigned index, struct view channel)
{
    (void)b;
    (void)index;
    (void)channel;
    return OK;
}

static void interest_remove(struct broker *b, unsigned index, struct view channel)
{
    (void)b;
    (void)index;
    (void)channel;
}

static int publish_elsewhere(struct broker *b, unsigned index, struct view channel,
                             struct blob *frame)
{
    (void)b;
    (void)index;
    (void)channel;
    (void)frame;
    return OK;
}

/* A round is one delivery. */
static void publish(unsigned rounds)
{
    static const struct hub_subscriber_ops ops = {.deliver = deliver};
    static const struct broker_ops broker_ops = {.name = "none",
                                                 .interest_add = interest_add,
                                                 .interest_remove = interest_remove,
                                                 .publish = publish_elsewhere};
    static struct hub_subscriber listeners[LISTENERS];
    struct broker broker = {&broker_ops};
    struct hub_limits limits = {10, 10};
    struct blob *frame = blob_new(100);
    struct hub *hub;

    must(frame != NULL && hub_new(&hub, &limits, &broker, 0) == OK, "hub");
    for (unsigned i = 0; i < LISTENERS; i++) {
        hub_subscriber_init(&listeners[i], &ops);
        must(hub_subscribe(hub, &listeners[i], VIEW("bench")) == OK, "subscribe");
    }
    for (unsigned i = 0; i < rounds; i += LISTENERS)
        must(hub_publish(hub, VIEW("bench"), frame, NULL) == OK, "publish");
    for (unsigned i = 0; i < LISTENERS; i++)
        hub_leave(hub, &listeners[i]);
    hub_free(hub);
    blob_drop(frame);
}

/* The frame that subscribers get, from what came in. */
static void encode(unsigned rounds)
{
    uint8_t bytes[TEXT_MAX], header[WS_FRAME_HEADER_MAX];
    struct blob_store *store;

    must(blob_store_new(&store) == OK, "store");
    for (unsigned i = 0; i < rounds; i++) {
        struct wr w = wr_of(bytes, sizeof(bytes));
        struct blob *frame;
        size_t header_bytes;

        json_out_open(&w);
        json_out_member(&w, "type", VIEW("message"));
        json_out_member(&w, "channel", VIEW("private:room-42"));
        json_out_key(&w, "data");
        wr_view(&w, view_of(chat, sizeof(chat) - 1));
        json_out_key(&w, "from");
        json_out_open(&w);
        json_out_member(&w, "user", VIEW("alice"));
        json_out_close(&w);
        json_out_close(&w);
        header_bytes = ws_frame_encode(header, WS_TEXT, true, false, wr_len(&w), NULL);
        frame = blob_store_make(store, (uint32_t)(header_bytes + wr_len(&w)));
        must(!w.failed && frame != NULL, "encode");
        memcpy(frame->data, header, header_bytes);
        memcpy(frame->data + header_bytes, bytes, wr_len(&w));
        blob_drop(frame);
    }
    blob_store_free(store);
}

/* --- TLS --- */

static void tls_write(unsigned rounds)
{
    static const uint8_t secret[32] = {1, 2, 3};
    uint8_t bytes[203], out[sizeof(bytes) + TLS_RECORD_OVERHEAD];
    struct tls_plain plain = {bytes, sizeof(bytes), TLS_CONTENT_DATA};
    struct tls_crypto *crypto;
    struct tls_keys keys;

    memset(bytes, 'x', sizeof(bytes));
    must(tls_crypto_new(&crypto) == OK && tls_keys_set(crypto, &keys, TLS_SUITE_AES_128_GCM_SHA256,
                                                       secret, sizeof(secret)) == OK,
         "keys");
    for (unsigned i = 0; i < rounds; i++)
        must(tls_record_seal(crypto, &keys, &plain, out) == sizeof(out), "seal");
    tls_crypto_free(crypto);
}

/* A record has to be sealed before it can be opened: that is in the number, and tls_write says how
 * much it is. */
static void tls_write_read(unsigned rounds)
{
    static const uint8_t secret[32] = {1, 2, 3};
    uint8_t bytes[203], record[sizeof(bytes) + TLS_RECORD_OVERHEAD], body[sizeof(record)];
    struct tls_plain plain = {bytes, sizeof(bytes), TLS_CONTENT_DATA};
    struct tls_keys ours, theirs;
    struct tls_crypto *crypto;
    struct tls_opened opened;

    memset(bytes, 'x', sizeof(bytes));
    must(tls_crypto_new(&crypto) == OK &&
             tls_keys_set(crypto, &ours, TLS_SUITE_AES_128_GCM_SHA256, secret, sizeof(secret)) ==
                 OK &&
             tls_keys_set(crypto, &theirs, TLS_SUITE_AES_128_GCM_SHA256, secret, sizeof(secret)) ==
                 OK,
         "keys");
    for (unsigned i = 0; i < rounds; i++) {
        opened.plain = body;
        must(tls_record_seal(crypto, &ours, &plain, record) == sizeof(record) &&
                 tls_record_open(crypto, &theirs, record, &opened) == OK &&
                 opened.len == sizeof(bytes),
             "open");
    }
    tls_crypto_free(crypto);
}

static const struct part {
    const char *name;
    void (*run)(unsigned rounds);
} parts[] = {
    {"decode_unmask_20", decode_20},
    {"decode_unmask_1024", decode_1024},
    {"decode_text_200", decode_text_200},
    {"utf8_ascii_200", utf8_ascii},
    {"utf8_mixed_110", utf8_mixed},
    {"json_200", json},
    {"schema_200", schema},
    {"decision", decision},
    {"limiter", limiter},
    {"publish_per_subscriber", publish},
    {"encode_push_200", encode},
    {"tls_write_203", tls_write},
    {"tls_write_and_read_203", tls_write_read},
};
#define PARTS (sizeof(parts) / sizeof(parts[0]))

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--list") == 0) {
        for (size_t i = 0; i < PARTS; i++)
            (void)puts(parts[i].name);
        return 0;
    }
    must(argc == 3, "usage: parts --list | PART ROUNDS");
    for (size_t i = 0; i < PARTS; i++) {
        if (strcmp(parts[i].name, argv[1]) == 0) {
            parts[i].run((unsigned)strtoul(argv[2], NULL, 10));
            return 0;
        }
    }
    must(false, "no such part");
    return 1;
}
