/* SPDX-License-Identifier: Apache-2.0 */
/* listen_address.c: the text of a listening address, and the socket bound to it. Start-up only; no
 * loop here. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/num.h"
#include "base/status.h"
#include "net/listener.h"

#define BACKLOG   4096
#define UNIX_MODE 0660

static int parse_unix(struct listen_address *out, const char *path, struct error *why)
{
    size_t len = strlen(path);

    if (path[0] != '/' || len >= sizeof(out->unix_path)) {
        error_set(why, "a Unix socket needs an absolute path of at most %zu bytes, not \"%.120s\"",
                  sizeof(out->unix_path) - 1, path);
        return E_INVALID;
    }
    memcpy(out->unix_path, path, len + 1);
    return OK;
}

int listen_address_parse(struct listen_address *out, const char *text, struct error *why)
{
    struct listen_address address = {0};
    struct view v = view_of_text(text), host;
    const char *colon = strrchr(text, ':');
    uint64_t port;
    int rc;

    if (view_starts_with(v, VIEW("unix:"))) {
        rc = parse_unix(&address, text + 5, why);
        if (rc == OK)
            *out = address;
        return rc;
    }
    if (colon == NULL || !num_parse_u64(view_of_text(colon + 1), 65535, &port)) {
        error_set(why, "an address is HOST:PORT or unix:/PATH, not \"%.120s\"", text);
        return E_INVALID;
    }
    host = view_of(text, (size_t)(colon - text));
    if (view_eq(host, VIEW("localhost")))
        host = VIEW("127.0.0.1");
    else if (host.len >= 2 && host.ptr[0] == '[' && host.ptr[host.len - 1] == ']')
        host = view_of(host.ptr + 1, host.len - 2);
    else if (memchr(host.ptr, ':', host.len) != NULL)
        host.len = 0; /* IPv6 without brackets: where the port begins would be a guess */
    if (!ip_address_parse(&address.ip, host)) {
        error_set(why, "\"%.120s\": the host must be an IP address (IPv6 in brackets) or localhost",
                  text);
        return E_INVALID;
    }
    address.port = (uint16_t)port;
    *out = address;
    return OK;
}

bool listen_address_is_local(const struct listen_address *a)
{
    return a->unix_path[0] != '\0' || ip_address_is_loopback(&a->ip);
}

static socklen_t to_sockaddr(const struct listen_address *a, struct sockaddr_storage *out)
{
    struct sockaddr_in *in4 = (struct sockaddr_in *)out;
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)out;
    struct sockaddr_un *un = (struct sockaddr_un *)out;

    memset(out, 0, sizeof(*out));
    if (a->unix_path[0] != '\0') {
        un->sun_family = AF_UNIX;
        memcpy(un->sun_path, a->unix_path, sizeof(un->sun_path));
        return sizeof(*un);
    }
    if (a->ip.family == 6) {
        in6->sin6_family = AF_INET6;
        in6->sin6_port = htons(a->port);
        memcpy(&in6->sin6_addr, a->ip.bytes, 16);
        return sizeof(*in6);
    }
    in4->sin_family = AF_INET;
    in4->sin_port = htons(a->port);
    memcpy(&in4->sin_addr, a->ip.bytes, 4);
    return sizeof(*in4);
}

/* A socket file that nobody listens on any more is removed; anything else in its place stays. */
static int remove_stale(const char *path, const struct sockaddr *sa, socklen_t sa_len,
                        struct error *why)
{
    struct stat st;
    int fd, rc;

    if (lstat(path, &st) != 0)
        return OK; /* bind will say whatever is wrong */
    if (!S_ISSOCK(st.st_mode)) {
        error_set(why, "%s exists and is not a socket; remove it or choose another path", path);
        return E_EXISTS;
    }
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return E_IO;
    rc = connect(fd, sa, sa_len) == 0 ? 0 : errno;
    (void)close(fd);
    if (rc != ECONNREFUSED) {
        error_set(why, "address in use: somebody answers at unix:%s", path);
        return E_EXISTS;
    }
    return unlink(path) == 0 ? OK : E_IO;
}

static int set_options(int fd, const struct listen_address *a)
{
    const int on = 1;

    if (a->unix_path[0] != '\0')
        return fchmod(fd, UNIX_MODE); /* so that there is no moment with a wider mode */
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
        setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) != 0)
        return -1;
    /* Mapped IPv4 addresses would give one client two names in the limits. */
    if (a->ip.family == 6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) != 0)
        return -1;
    return 0;
}

static int explain(const struct listen_address *a, int error, struct error *why)
{
    char host[IP_TEXT_BYTES];
    char where[160];

    if (a->unix_path[0] != '\0') {
        (void)snprintf(where, sizeof(where), "unix:%s", a->unix_path);
    } else {
        ip_address_text(&a->ip, host);
        (void)snprintf(where, sizeof(where), a->ip.family == 6 ? "[%s]:%u" : "%s:%u", host,
                       a->port);
    }
    switch (error) {
    case EADDRINUSE:
        error_set(why, "address in use: %s; stop the other program or choose another port", where);
        return E_EXISTS;
    case EACCES:
    case EPERM:
        error_set(why,
                  a->unix_path[0] != '\0'
                      ? "permission denied: cannot make the socket %s"
                      : "permission denied: %s; ports below 1024 need root or CAP_NET_BIND_SERVICE",
                  where);
        return E_DENIED;
    case EADDRNOTAVAIL:
        error_set(why, "this machine has no address %s", where);
        return E_IO;
    default:
        error_set(why, "cannot listen on %s: %s", where, strerrordesc_np(error));
        return E_IO;
    }
}

static uint16_t port_of(int fd)
{
    struct sockaddr_storage sa;
    socklen_t len = sizeof(sa);

    if (getsockname(fd, (struct sockaddr *)&sa, &len) != 0)
        return 0;
    if (sa.ss_family == AF_INET)
        return ntohs(((struct sockaddr_in *)&sa)->sin_port);
    if (sa.ss_family == AF_INET6)
        return ntohs(((struct sockaddr_in6 *)&sa)->sin6_port);
    return 0;
}

int listener_bind(const struct listen_address *address, uint16_t *bound_port, struct error *why)
{
    struct sockaddr_storage sa;
    socklen_t len = to_sockaddr(address, &sa);
    bool is_unix = address->unix_path[0] != '\0';
    int fd, rc;

    if (is_unix) {
        rc = remove_stale(address->unix_path, (struct sockaddr *)&sa, len, why);
        if (rc != OK)
            return rc;
    }
    fd = socket(sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return explain(address, errno, why);
    if (set_options(fd, address) != 0 || bind(fd, (struct sockaddr *)&sa, len) != 0 ||
        (is_unix && chmod(address->unix_path, UNIX_MODE) != 0) || listen(fd, BACKLOG) != 0) {
        rc = explain(address, errno, why);
        (void)close(fd);
        return rc;
    }
    *bound_port = port_of(fd);
    return fd;
}

int listener_probe(const struct listen_address *address, struct error *why)
{
    const int on = 1;
    struct sockaddr_storage sa;
    socklen_t len;
    int fd, error = 0;

    if (address->unix_path[0] != '\0' || address->port == 0)
        return OK;
    len = to_sockaddr(address, &sa);
    fd = socket(sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return explain(address, errno, why);
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
        (address->ip.family == 6 &&
         setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) != 0) ||
        bind(fd, (struct sockaddr *)&sa, len) != 0)
        error = errno;
    (void)close(fd);
    return error == 0 ? OK : explain(address, error, why);
}

int listener_share(int fd)
{
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);

    return copy >= 0 ? copy : E_IO;
}
