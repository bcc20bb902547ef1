// Requests whose caller waits for the answer.
import { ErrataError } from '@errata/contracts';
import type { FastifyReply, FastifyRequest } from 'fastify';

/** Work that is given up when the caller hangs up: the engine is for those who wait. */
export async function whileWaitedFor<T>(
  request: FastifyRequest,
  reply: FastifyReply,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const gone = new AbortController();
  const leave = () => {
    if (!reply.raw.writableEnded) gone.abort(new ErrataError('unavailable', 'the caller hung up'));
  };
  const { socket } = request.raw;
  if (socket.destroyed) leave();
  socket.once('close', leave);
  try {
    return await work(gone.signal);
  } finally {
    socket.off('close', leave);
  }
}
