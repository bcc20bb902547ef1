// A process with nothing but Fastify in it, which answers every request with what it was started with.
import type { AddressInfo } from 'node:net';
import { fastify } from 'fastify';

const answer: unknown = JSON.parse(process.argv[2]!);
const app = fastify();
app.get('/', async () => answer);
await app.listen({ host: '127.0.0.1', port: 0 });
process.on('SIGTERM', () => process.exit(0));
process.send!({ ready: true, port: (app.server.address() as AddressInfo).port });
