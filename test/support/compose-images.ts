import { appendFile, chmod, chown, cp, mkdir, mkdtemp, readdir, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { findPostgresBinaries } from '../../src/servers/postgres-binaries.js';
import { findTemporalBinary } from '../../src/servers/temporal-binary.js';
import { emptyRoot, placeProgram } from './base-image.js';
import type { DockerDaemon } from './docker.js';
import { builtServer } from './go-servers.js';
import { builtTemporalServer } from './temporal-server.js';

const goModule = fileURLToPath(new URL('../../tools/temporal-cli', import.meta.url));
/** Of the official image of Postgres. */
const POSTGRES_ID = 999;
/** Of Temporal's images. */
const TEMPORAL_ID = 1000;
const APPLETS = ['sh', 'mkdir', 'rm', 'cat', 'sleep', 'hostname', 'ln', 'chmod', 'ls'];

interface Image {
  name: string;
  /** Its first process; `sh` reads it. */
  entrypoint: string;
  user: number;
  /** Puts files into an empty root file system. */
  fill: (root: string) => Promise<void>;
}

async function makeImage(daemon: DockerDaemon, { name, entrypoint, user, fill }: Image): Promise<void> {
  const root = await mkdtemp(path.join(tmpdir(), 'xyn-image-root-'));
  try {
    await emptyRoot(root, APPLETS);
    await writeFile(path.join(root, 'entrypoint.sh'), entrypoint);
    // Servers want to know their name.
    await appendFile(path.join(root, 'etc/passwd'), `server:x:${user}:${user}::/tmp:/bin/sh\n`);
    await fill(root);
    // Others than its owner have to see into it.
    await chmod(root, 0o755);
    const changes = ['ENV PATH=/usr/local/bin:/usr/local/pgsql/bin:/bin', `USER ${user}:${user}`];
    await daemon.import(root, name, [...changes, 'ENTRYPOINT ["/bin/sh", "/entrypoint.sh"]']);
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

/** What the official image does, as far as the compose file uses it. */
const POSTGRES_START = `set -eu
data=/var/lib/postgresql/data
if [ ! -s "$data/PG_VERSION" ]; then
  (umask 077; printf %s "$POSTGRES_PASSWORD" > /tmp/password)
  initdb --pgdata="$data" --username=postgres --pwfile=/tmp/password --auth-local=trust --auth-host=scram-sha-256 \\
    --encoding=UTF8 --locale=C $POSTGRES_INITDB_ARGS
  rm /tmp/password
  echo 'host all all all scram-sha-256' >> "$data/pg_hba.conf"
  pg_ctl --pgdata="$data" --options='-c listen_addresses= -k /tmp' --wait start
  for script in /docker-entrypoint-initdb.d/*.sh; do POSTGRES_USER=postgres PGHOST=/tmp sh "$script"; done
  pg_ctl --pgdata="$data" --mode=fast --wait stop
fi
exec postgres -D "$data" -c listen_addresses='*' -k /tmp
`;

/** Programs of the client package, past Debian's wrapper for several versions. */
async function clientProgram(name: string): Promise<string> {
  const versions = await readdir('/usr/lib/postgresql').catch(() => []);
  const newest = versions
    .map(Number)
    .sort((a, b) => a - b)
    .at(-1);
  return newest === undefined ? realpath(`/usr/bin/${name}`) : `/usr/lib/postgresql/${newest}/bin/${name}`;
}

/** An image of Postgres from the embedded server. */
export async function makePostgresImage(daemon: DockerDaemon, name: string): Promise<void> {
  const { postgres } = await findPostgresBinaries();
  await makeImage(daemon, {
    name,
    user: POSTGRES_ID,
    entrypoint: POSTGRES_START,
    async fill(root) {
      const native = path.resolve(path.dirname(postgres), '..');
      await cp(native, path.join(root, 'usr/local/pgsql'), { recursive: true, verbatimSymlinks: true });
      for (const program of ['postgres', 'initdb', 'pg_ctl']) {
        await placeProgram(root, path.join(native, 'bin', program), `usr/local/pgsql/bin/${program}`);
        await chmod(path.join(root, 'usr/local/pgsql/bin', program), 0o755);
      }
      for (const program of ['psql', 'pg_isready']) {
        await placeProgram(root, await clientProgram(program), `usr/local/bin/${program}`);
      }
      const data = path.join(root, 'var/lib/postgresql/data');
      await mkdir(data, { recursive: true });
      await chmod(data, 0o700);
      await chown(data, POSTGRES_ID, POSTGRES_ID);
    },
  });
}

/** What Temporal's image with `auto-setup` does, as far as the compose file uses it. */
const TEMPORAL_START = `set -eu
export SQL_PASSWORD="$POSTGRES_PWD"
sql() { temporal-sql-tool --plugin "$DB" --ep "$POSTGRES_SEEDS" -p "$DB_PORT" -u "$POSTGRES_USER" --db "$@"; }
for part in "$DBNAME temporal" "$VISIBILITY_DBNAME visibility"; do
  set -- $part
  sql "$1" setup-schema -v 0.0 || true
  sql "$1" update-schema -d "/etc/temporal/schema/$2/versioned"
done
export BIND_ON_IP=0.0.0.0 TEMPORAL_BROADCAST_ADDRESS="$(hostname -i)"
(
  until temporal operator cluster health --address 127.0.0.1:7233; do sleep 1; done
  until temporal operator namespace describe --namespace "$DEFAULT_NAMESPACE" --address 127.0.0.1:7233; do
    temporal operator namespace create --namespace "$DEFAULT_NAMESPACE" --retention "$DEFAULT_NAMESPACE_RETENTION" \\
      --address 127.0.0.1:7233 || sleep 1
  done
) > /dev/null 2>&1 &
exec temporal-server --allow-no-auth start
`;

/** An image of a Temporal server that makes its tables and its namespace. */
export async function makeTemporalImage(daemon: DockerDaemon, name: string): Promise<void> {
  const server = await builtTemporalServer();
  const cli = await findTemporalBinary({ stateDir: tmpdir(), env: process.env, goModule });
  await makeImage(daemon, {
    name,
    user: TEMPORAL_ID,
    entrypoint: TEMPORAL_START,
    async fill(root) {
      await placeProgram(root, path.join(server, 'server'), 'usr/local/bin/temporal-server');
      await placeProgram(root, path.join(server, 'sql'), 'usr/local/bin/temporal-sql-tool');
      await placeProgram(root, cli.path, 'usr/local/bin/temporal');
      await cp(path.join(server, 'schema'), path.join(root, 'etc/temporal/schema'), { recursive: true });
    },
  });
}

/** An image of Temporal's screens, of the version that the compose file names. */
export async function makeTemporalUiImage(daemon: DockerDaemon, name: string): Promise<void> {
  const server = await builtServer({
    module: 'temporal-ui',
    notice: "building Temporal's screens with Go, about a minute",
    files: { package: 'github.com/temporalio/ui-server/v2', folder: 'config', name: 'config' },
  });
  await makeImage(daemon, {
    name,
    user: TEMPORAL_ID,
    entrypoint: 'cd /home/ui-server && exec ui-server --env docker start\n',
    async fill(root) {
      await placeProgram(root, path.join(server, 'server'), 'usr/local/bin/ui-server');
      await cp(path.join(server, 'config'), path.join(root, 'home/ui-server/config'), { recursive: true });
    },
  });
}
