/* SPDX-License-Identifier: Apache-2.0 */
/* options_help.c: docs/config.md, made from the rows. `gateward check --keys` prints it, a unit
 * test compares. */
#include "server/options.h"

#include "server/options_load.h"

static const char *const introduction =
    "# Configuration\n"
    "\n"
    "This page is made from the program: `gateward check --keys > docs/config.md`. `examples/` "
    "holds whole files.\n"
    "\n"
    "A configuration is one YAML file (JSON is YAML). `gateward check FILE` reads it, tries out "
    "certificates and secrets, and\n"
    "prints everything that is wrong as `file:line:column: text`; `gateward serve` does the same "
    "before it opens a port.\n"
    "\n"
    "- An unknown key, a key that stands twice, an anchor, an alias, a tag or a second document is "
    "an error.\n"
    "- Sizes: `64KiB`, `1MiB`, `1GiB` (1024s), `100KB`, `1MB`, `1GB` (1000s), or plain bytes. "
    "Times: `500ms`, `30s`, `5m`,\n"
    "  `12h`, `1d`, never without a unit. Truth: `true` and `false`, nothing else.\n"
    "- Secrets stand in a file that others cannot read (`{file: NAME}`, at least 32 bytes) or in "
    "the environment\n"
    "  (`{env: NAME}`), never in the configuration.\n"
    "- Relative paths start at the folder of the configuration.\n"
    "- `null` means \"not checked\" at `issuer` and `audience` and is an error elsewhere.\n"
    "- A listener without `tls` must be local (loopback or a Unix socket) unless it says "
    "`insecure_plaintext: true`.\n"
    "- Without `hosts`, requests may ask for the names in the listeners' certificates, and at "
    "local listeners without a\n"
    "  certificate for `localhost`, `127.0.0.1` and `::1`. A certificate with a wildcard name "
    "(`*.example.com`) does not say\n"
    "  which hosts there are: then `hosts` must be given.\n"
    "- `origins` takes `*.` in place of exactly one leftmost label. A browser's request from a "
    "page that is not listed is\n"
    "  refused; programs that send no Origin are not pages.\n"
    "- While a secret changes, list two: `secret: [{file: new.secret, kid: \"2\"}, {file: "
    "old.secret, kid: \"1\"}]`. Both are\n"
    "  accepted, new tokens are signed with the first.\n"
    "- A row of `auth.jwt` is symmetric (`secret`, HS256 HS384 HS512) or asymmetric (`jwks_file`, "
    "the "
    "others), never both. The\n"
    "  file is a JWK set (RFC 7517) of at most 256 KiB and 100 keys, read at the start. One key "
    "has "
    "one algorithm: its `alg`,\n"
    "  or else the only one of `algorithms` that it can serve. Keys of other types or for other "
    "uses are passed over;\n"
    "  private, secret, weak or malformed keys and two keys of one `kid` are an error. To change a "
    "key, list the old and the\n"
    "  new one for a while. A token without `kid` is tried with at most 4 keys.\n"
    "- What the table calls `not yet` belongs to the agreed format, but this version refuses it "
    "rather than ignore it.\n"
    "\n"
    "`[]` stands for every entry of a list; `-` for no default.\n"
    "\n"
    "```text\n";

void options_help(FILE *to)
{
    (void)fputs(introduction, to);
    (void)fprintf(to, "  %-32s  %-14s  %-11s  %s\n", "key", "type", "default", "meaning");
    options_print(options_rows, "", to);
    (void)fputs("```\n", to);
}
