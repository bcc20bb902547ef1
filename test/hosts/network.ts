// Machines that share no network but a wire, and no disk: each a network namespace of Linux with a private state directory.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { promisify } from 'node:util';

const run = promisify(execFile);
const ip = (...words: string[]) => run('ip', words);

/** Where the services are, as every host sees them. */
export const middle = '10.77.0.1';
const bridge = 'errata-wire';

export interface Host {
  readonly name: string;
  readonly address: string;
  /** Starts a program of this repository there; its state directory is a memory of its own, which no other host sees. */
  start(words: readonly string[], env: Readonly<Record<string, string>>): ChildProcess;
  /** Takes it off the wire, or puts it back. */
  wire(state: 'up' | 'down'): Promise<void>;
}

export interface Network {
  readonly hosts: readonly Host[];
  remove(): Promise<void>;
}

/** @param state the path at which each host has a disk of its own */
export async function layNetwork(names: readonly string[], state: string): Promise<Network> {
  await ip('link', 'add', bridge, 'type', 'bridge');
  await ip('addr', 'add', `${middle}/24`, 'dev', bridge);
  await ip('link', 'set', bridge, 'up');
  const hosts = await Promise.all(names.map((name, index) => layHost(name, `10.77.0.${index + 2}`, state)));
  return {
    hosts,
    async remove() {
      for (const name of names) await ip('netns', 'del', namespaceOf(name)).catch(() => {});
      await ip('link', 'del', bridge).catch(() => {});
    },
  };
}

const namespaceOf = (name: string) => `errata-${name}`;

async function layHost(name: string, address: string, state: string): Promise<Host> {
  const namespace = namespaceOf(name);
  const near = `er-${name}`;
  await ip('netns', 'add', namespace);
  await ip('link', 'add', near, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', namespace);
  await ip('link', 'set', near, 'master', bridge, 'up');
  for (const words of [
    ['addr', 'add', `${address}/24`, 'dev', 'eth0'],
    ['link', 'set', 'eth0', 'up'],
    ['link', 'set', 'lo', 'up'],
  ])
    await ip('-n', namespace, ...words);
  return {
    name,
    address,
    start(words, env) {
      const program = `mount -t tmpfs tmpfs "$STATE" && exec "$@"`;
      return spawn('ip', ['netns', 'exec', namespace, 'unshare', '--mount', 'sh', '-c', program, 'sh', ...words], {
        env: { ...process.env, ...env, STATE: state },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
    },
    wire: async (to) => {
      await ip('link', 'set', near, to);
    },
  };
}

/** Lets the hosts reach a service of this machine that listens on a socket, or on a port of its own loopback. */
export async function offer(port: number, target: string | number): Promise<() => Promise<void>> {
  const server = createServer((from) => {
    const to = typeof target === 'string' ? connect(target) : connect(target, '127.0.0.1');
    for (const [one, other] of [
      [from, to],
      [to, from],
    ] as const) {
      one.pipe(other);
      one.on('error', () => other.destroy());
      one.on('close', () => other.destroy());
    }
  });
  server.listen(port, middle);
  await once(server, 'listening');
  return async () => {
    server.close();
  };
}
