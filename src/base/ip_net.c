/* SPDX-License-Identifier: Apache-2.0 */
/* ip_net.c: CIDR notation, read strictly, and membership bit by bit. */
#include "base/ip_net.h"

#include <string.h>

/* An IPv4 address in the clothes of IPv6 is undressed, so that it is in the same networks. */
static struct ip_address plain(const struct ip_address *address)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    struct ip_address out = {.family = 4};

    if (address->family != 6 || memcmp(address->bytes, mapped, sizeof(mapped)) != 0)
        return *address;
    memcpy(out.bytes, address->bytes + 12, 4);
    return out;
}

static bool parse_bits(struct view text, unsigned most, uint8_t *bits)
{
    unsigned value = 0;

    if (text.len == 0 || text.len > 3 || (text.len > 1 && text.ptr[0] == '0'))
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9')
            return false;
        value = value * 10 + (unsigned)(text.ptr[i] - '0');
    }
    *bits = (uint8_t)value;
    return value <= most;
}

static bool same_bits(const uint8_t *a, const uint8_t *b, unsigned bits)
{
    unsigned whole = bits / 8, rest = bits % 8;

    if (memcmp(a, b, whole) != 0)
        return false;
    return rest == 0 || ((a[whole] ^ b[whole]) >> (8 - rest)) == 0;
}

static bool rest_is_zero(const struct ip_net *net)
{
    unsigned most = net->start.family == 4 ? 32 : 128;

    for (unsigned bit = net->bits; bit < most; bit++) {
        if ((net->start.bytes[bit / 8] >> (7 - bit % 8) & 1) != 0)
            return false;
    }
    return true;
}

bool ip_net_parse(struct ip_net *out, struct view text)
{
    struct ip_net net = {{{0}, 0}, 0};
    struct view address, bits;
    bool has_bits = view_split(text, '/', &address, &bits);

    if (view_eq(text, VIEW("unix"))) {
        *out = net;
        return true;
    }
    if (!ip_address_parse(&net.start, address))
        return false;
    net.bits = net.start.family == 4 ? 32 : 128;
    if (has_bits && !parse_bits(bits, net.bits, &net.bits))
        return false;
    if (!rest_is_zero(&net))
        return false;
    if (net.start.family == 6 && net.bits >= 96 && plain(&net.start).family == 4) {
        net.start = plain(&net.start);
        net.bits = (uint8_t)(net.bits - 96);
    }
    *out = net;
    return true;
}

bool ip_net_has(const struct ip_net *net, const struct ip_address *address)
{
    struct ip_address a = plain(address);

    return net->start.family == a.family && same_bits(net->start.bytes, a.bytes, net->bits);
}

bool ip_nets_have(const struct ip_nets *nets, const struct ip_address *address)
{
    for (size_t i = 0; i < nets->count; i++) {
        if (ip_net_has(&nets->list[i], address))
            return true;
    }
    return false;
}
