/* SPDX-License-Identifier: Apache-2.0 */
/* Privileges go down once and never up again. */
#include "server/jail.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/status.h"

int jail_enter(const char *user, struct error *why)
{
    struct rlimit none = {0, 0};
    const struct passwd *entry;

    (void)setrlimit(RLIMIT_CORE, &none);
    (void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (user == NULL || geteuid() != 0)
        return OK;
    entry = getpwnam(user);
    if (entry == NULL) {
        error_set(why, "server.user: there is no user \"%s\" on this machine", user);
        return E_MISSING;
    }
    if (initgroups(user, entry->pw_gid) != 0 || setgid(entry->pw_gid) != 0 ||
        setuid(entry->pw_uid) != 0 || (entry->pw_uid != 0 && setuid(0) == 0)) {
        error_set(why, "cannot become user \"%s\": %s", user, strerror(errno));
        return E_IO;
    }
    return OK;
}
