"""tests/directory/run: the double by itself, for rehearsals."""
import argparse
import contextlib
import pathlib
import signal
import tempfile

from .double import Double
from .replay import Replay
from .tenant import Tenant

CONF = """[directory]
driver = jumpcloud
url = {url}/api
system_id = {system}
org_id = {org}
api_key_file = {folder}/api.key
{ca}"""


def parse():
    parser = argparse.ArgumentParser(prog="tests/directory/run", description="""A test double of JumpCloud's API, for
        rehearsals: an organisation on this host, whose users, groups, bindings and faults the control URL changes.""",
        epilog="The folder gets muster.conf, api.key and the CA's certificate. Ctrl-C ends it.")
    parser.add_argument("--port", type=int, default=8443, help="(8443)")
    parser.add_argument("--listen", default="127.0.0.1", metavar="ADDRESS", help="(127.0.0.1; 0.0.0.0 for other hosts)")
    parser.add_argument("--name", default="localhost", help="what endpoints call this host (localhost)")
    parser.add_argument("--http", action="store_true", help="no TLS: to look at it; muster does not take it")
    parser.add_argument("--users", type=int, default=20, metavar="N", help="users of the organisation (20)")
    parser.add_argument("--bound", type=int, default=3, metavar="N", help="of them bound to the endpoint (3)")
    parser.add_argument("--folder", type=pathlib.Path, help="where its files go (a new one in /tmp, which stays)")
    parser.add_argument("--replay", type=pathlib.Path, metavar="DIR", help="answer with the recorded replies in DIR")
    return parser.parse_args()


def populate(tenant, users, bound):
    ids = tenant.add_users(users)
    for uid in ids[:bound]:
        tenant.bind(uid)
    tenant.add_group("people", members=ids[:bound], gid=7000, bound=True)


def write_files(double, folder):
    (folder / "api.key").touch(mode=0o600)
    (folder / "api.key").write_text(double.tenant.api_key + "\n")
    ca = f"ca_file = {double.ca_file}\n" if double.ca_file else ""
    (folder / "muster.conf").write_text(CONF.format(url=double.url, system=double.tenant.system, folder=folder,
                                                    org=double.tenant.organization, ca=ca))


def show(double, folder):
    t, ca = double.tenant, f"--cacert {double.ca_file} " if double.ca_file else ""
    print(f"""URL        {double.url}
API key    {t.api_key}
service    {t.client_id} / {t.client_secret}, tokens from {double.url}/oauth2/token
control    curl {ca}{double.url}/_control

{folder}/muster.conf:
{(folder / "muster.conf").read_text()}""", flush=True)


def main():
    args = parse()
    folder = args.folder or pathlib.Path(tempfile.mkdtemp(prefix="directory-"))
    folder.mkdir(parents=True, exist_ok=True)
    tenant = Tenant()
    populate(tenant, args.users, min(args.bound, args.users))
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with Double(tenant, args.port, args.listen, args.name, not args.http, folder,
                Replay(args.replay).answer if args.replay else None) as double:
        with contextlib.suppress(KeyboardInterrupt):
            write_files(double, folder)
            show(double, folder)
            signal.pause()
    print("ended")


if __name__ == "__main__":
    main()
