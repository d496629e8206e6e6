import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import { isPortFree, nextFreePort, requirePort } from './free-port.js';

describe('ports', () => {
  it.each(['127.0.0.1', '0.0.0.0'])('sees that a port is in use on %s, and finds the next', async (host) => {
    const server = createServer().listen(0, host);
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    expect(await isPortFree(port)).toBe(false);
    expect(await nextFreePort(port)).toBeGreaterThan(port);
    await expect(requirePort(port, 'Postgres')).rejects.toMatchObject({ code: 'port_taken', details: { port } });
    server.close();
    await once(server, 'close');
    expect(await requirePort(port, 'Postgres')).toBe(port);
  });

  it('gives up where the numbers end', async () => {
    await expect(nextFreePort(65_535, [65_535])).rejects.toMatchObject({ code: 'port_taken' });
  });
});
