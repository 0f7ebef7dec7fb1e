/* SPDX-License-Identifier: Apache-2.0 */
/* ws_deflate_offer.c: reading and answering Sec-WebSocket-Extensions (RFC 6455 section 9.1, RFC
 * 7692 sections 5 and 7.1). One pass over the text without going back, so time is linear for any
 * input (CVE-2021-32640). Two kinds of "no": text that breaks the grammar refuses the handshake, a
 * well formed offer that we cannot fulfil is passed over. */
#include "wire/ws_deflate.h"

#include <string.h>

#include "base/status.h"

#define BITS_NONE       0xFF /* the parameter is not there */
#define BITS_NO_VALUE   0    /* it is there, without a value */
#define BITS_SMALLEST   8    /* what the RFC allows */
#define BITS_ZLIB_LEAST 9    /* what zlib can deflate; it inflates any */
#define BITS_MOST       15

/* What one extension of the list says. */
struct offer {
    bool is_deflate;
    bool is_unfit; /* unknown, repeated or ill-valued parameter */
    bool server_no_context, client_no_context;
    uint8_t server_bits, client_bits; /* BITS_NONE, BITS_NO_VALUE, or 8..15 */
};

/* A parameter's value after unescaping. More than this many bytes fit no parameter of ours. */
struct value {
    char text[4];
    size_t len;
    bool is_there;
};

struct cursor {
    const char *ptr, *end;
};

static bool is_token_byte(char c)
{
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'))
        return true;
    return c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL;
}

static void skip_space(struct cursor *c)
{
    while (c->ptr < c->end && (*c->ptr == ' ' || *c->ptr == '\t'))
        c->ptr++;
}

static bool skip_byte(struct cursor *c, char wanted)
{
    if (c->ptr == c->end || *c->ptr != wanted)
        return false;
    c->ptr++;
    return true;
}

/* An empty view where no token begins. */
static struct view take_token(struct cursor *c)
{
    const char *start = c->ptr;

    while (c->ptr < c->end && is_token_byte(*c->ptr))
        c->ptr++;
    return view_of(start, (size_t)(c->ptr - start));
}

static void value_add(struct value *v, char c)
{
    if (v->len < sizeof(v->text))
        v->text[v->len] = c;
    v->len++;
}

/* Behind the opening quote. What is inside must be a token once it is unescaped (RFC 6455
 * section 9.1). */
static bool take_quoted(struct cursor *c, struct value *v)
{
    while (c->ptr < c->end && *c->ptr != '"') {
        if (*c->ptr == '\\' && ++c->ptr == c->end)
            return false;
        if (!is_token_byte(*c->ptr))
            return false;
        value_add(v, *c->ptr++);
    }
    return skip_byte(c, '"') && v->len > 0;
}

static bool take_value(struct cursor *c, struct value *v)
{
    struct view token;

    v->is_there = true;
    if (skip_byte(c, '"'))
        return take_quoted(c, v);
    token = take_token(c);
    for (size_t i = 0; i < token.len; i++)
        value_add(v, token.ptr[i]);
    return token.len > 0;
}

/* A decimal number from 8 to 15 without leading zeros (RFC 7692 section 7.1.2); 0 when it is none.
 */
static uint8_t value_bits(const struct value *v)
{
    if (v->len == 1 && (v->text[0] == '8' || v->text[0] == '9'))
        return (uint8_t)(v->text[0] - '0');
    if (v->len == 2 && v->text[0] == '1' && v->text[1] >= '0' && v->text[1] <= '5')
        return (uint8_t)(10 + (v->text[1] - '0'));
    return 0;
}

static void set_flag(struct offer *o, bool *flag, const struct value *v)
{
    if (*flag || v->is_there)
        o->is_unfit = true;
    *flag = true;
}

static void set_bits(struct offer *o, uint8_t *bits, const struct value *v)
{
    if (*bits != BITS_NONE)
        o->is_unfit = true;
    *bits = BITS_NO_VALUE;
    if (!v->is_there)
        return;
    *bits = value_bits(v);
    if (*bits < BITS_SMALLEST)
        o->is_unfit = true;
}

static void set_parameter(struct offer *o, struct view name, const struct value *v)
{
    if (view_eq(name, VIEW("server_no_context_takeover")))
        set_flag(o, &o->server_no_context, v);
    else if (view_eq(name, VIEW("client_no_context_takeover")))
        set_flag(o, &o->client_no_context, v);
    else if (view_eq(name, VIEW("server_max_window_bits")))
        set_bits(o, &o->server_bits, v);
    else if (view_eq(name, VIEW("client_max_window_bits")))
        set_bits(o, &o->client_bits, v);
    else
        o->is_unfit = true;
}

/* Behind a ';'. */
static bool take_parameter(struct cursor *c, struct offer *o)
{
    struct value value = {{0}, 0, false};
    struct view name;

    skip_space(c);
    name = take_token(c);
    if (name.len == 0)
        return false;
    skip_space(c);
    if (skip_byte(c, '=')) {
        skip_space(c);
        if (!take_value(c, &value))
            return false;
        skip_space(c);
    }
    set_parameter(o, name, &value);
    return true;
}

/* The next extension of the list. OK, E_MISSING at the end, E_INVALID where the grammar breaks. */
static int take_offer(struct cursor *c, struct offer *o)
{
    struct view name;

    do { /* a list may have empty elements (RFC 9110 section 5.6.1) */
        skip_space(c);
    } while (skip_byte(c, ','));
    if (c->ptr == c->end)
        return E_MISSING;
    *o = (struct offer){.server_bits = BITS_NONE, .client_bits = BITS_NONE};
    name = take_token(c);
    if (name.len == 0)
        return E_INVALID;
    o->is_deflate = view_eq(name, VIEW("permessage-deflate"));
    skip_space(c);
    while (skip_byte(c, ';')) {
        if (!take_parameter(c, o))
            return E_INVALID;
    }
    return c->ptr == c->end || *c->ptr == ',' ? OK : E_INVALID;
}

static bool is_fit(const struct offer *o)
{
    if (!o->is_deflate || o->is_unfit || o->server_bits == BITS_NO_VALUE)
        return false;
    return o->server_bits == BITS_NONE || o->server_bits >= BITS_ZLIB_LEAST;
}

static uint8_t smaller(uint8_t a, uint8_t b)
{
    return a < b ? a : b;
}

static struct ws_deflate_params agree(const struct offer *o,
                                      const struct ws_deflate_options *options)
{
    struct ws_deflate_params p = {.is_on = true};
    uint8_t ours = options->max_window_bits, client = BITS_MOST;

    p.server_no_context_takeover = !options->allows_context_takeover || o->server_no_context;
    p.client_no_context_takeover = !options->allows_context_takeover || o->client_no_context;
    p.answer_server_window = o->server_bits != BITS_NONE;
    p.server_max_window_bits = p.answer_server_window ? smaller(o->server_bits, ours) : ours;

    /* A value in the offer is a promise not to go beyond it, whatever we answer (section 7.1.2.2).
     * We restrict the client only where it said that it can be restricted and our own window is
     * smaller. */
    if (o->client_bits != BITS_NONE && o->client_bits != BITS_NO_VALUE)
        client = o->client_bits < BITS_ZLIB_LEAST ? BITS_ZLIB_LEAST : o->client_bits;
    p.answer_client_window = o->client_bits != BITS_NONE && client > ours;
    p.client_max_window_bits = p.answer_client_window ? ours : client;
    return p;
}

int ws_deflate_negotiate(struct ws_deflate_params *params, const struct ws_deflate_options *options,
                         struct view offers)
{
    struct cursor c;
    struct ws_deflate_params agreed = {.is_on = false};
    bool is_any = false;
    struct offer offer;
    int rc;

    if (offers.len == 0) {
        *params = agreed;
        return OK;
    }
    c = (struct cursor){offers.ptr, offers.ptr + offers.len};
    /* The whole list is read even when the first offer fits: a broken rest refuses the handshake.
     */
    while ((rc = take_offer(&c, &offer)) == OK) {
        is_any = true;
        if (options->is_enabled && !agreed.is_on && is_fit(&offer))
            agreed = agree(&offer, options);
    }
    if (rc != E_MISSING || !is_any)
        return E_INVALID;
    *params = agreed;
    return OK;
}

void ws_deflate_answer(struct wr *w, const struct ws_deflate_params *params)
{
    wr_text(w, "permessage-deflate");
    if (params->server_no_context_takeover)
        wr_text(w, "; server_no_context_takeover");
    if (params->client_no_context_takeover)
        wr_text(w, "; client_no_context_takeover");
    if (params->answer_server_window) {
        wr_text(w, "; server_max_window_bits=");
        wr_dec(w, params->server_max_window_bits);
    }
    if (params->answer_client_window) {
        wr_text(w, "; client_max_window_bits=");
        wr_dec(w, params->client_max_window_bits);
    }
}

int ws_deflate_accept(struct ws_deflate_params *params, struct view answer)
{
    struct cursor c;
    struct offer offer, second;

    if (answer.len == 0) {
        *params = (struct ws_deflate_params){.is_on = false};
        return OK;
    }
    c = (struct cursor){answer.ptr, answer.ptr + answer.len};
    if (take_offer(&c, &offer) != OK || take_offer(&c, &second) != E_MISSING)
        return E_INVALID;
    if (!offer.is_deflate || offer.is_unfit || offer.server_bits == BITS_NO_VALUE)
        return E_INVALID;
    /* We asked for server_no_context_takeover, and the server accepts that by saying it too. We did
     * not offer client_max_window_bits, so it may not be in the answer (section 7.1.2.2). */
    if (!offer.server_no_context || offer.client_bits != BITS_NONE)
        return E_INVALID;
    *params = (struct ws_deflate_params){.is_on = true,
                                         .server_no_context_takeover = true,
                                         .client_no_context_takeover = true,
                                         .server_max_window_bits = BITS_MOST,
                                         .client_max_window_bits = BITS_MOST};
    if (offer.server_bits != BITS_NONE)
        params->server_max_window_bits =
            offer.server_bits < BITS_ZLIB_LEAST ? BITS_ZLIB_LEAST : offer.server_bits;
    return OK;
}
