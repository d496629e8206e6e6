import { generateKeyPairSync, sign } from 'node:crypto';

/** As short as it can be: strict readers take no other form. */
const lengthOf = ({ length }: Buffer): Buffer => {
  if (length < 0x80) return Buffer.from([length]);
  return Buffer.from(length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff]);
};
const tlv = (tag: number, ...parts: Buffer[]): Buffer => {
  const body = Buffer.concat(parts);
  return Buffer.concat([Buffer.from([tag]), lengthOf(body), body]);
};
const sequence = (...parts: Buffer[]): Buffer => tlv(0x30, ...parts);
const hex = (text: string): Buffer => Buffer.from(text, 'hex');
const utcTime = (at: Date): Buffer => tlv(0x17, Buffer.from(`${at.toISOString().replace(/[-:T]/g, '').slice(2, 14)}Z`));

/** A fresh self-signed certificate for a DNS name, valid for a day around now, and its key; both as PEM. */
export function selfSigned(name: string): { cert: string; key: string } {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const ecdsaSha256 = sequence(hex('06082a8648ce3d040302'));
  const subject = sequence(tlv(0x31, sequence(hex('0603550403'), tlv(0x0c, Buffer.from(name)))));
  const names = sequence(hex('0603551d11'), tlv(0x04, sequence(tlv(0x82, Buffer.from(name)))));
  const authority = sequence(hex('0603551d13'), hex('0101ff'), tlv(0x04, sequence(hex('0101ff'))));
  const halfDayMs = 43_200_000;
  const content = sequence(
    tlv(0xa0, hex('020102')),
    hex('020101'),
    ecdsaSha256,
    subject,
    sequence(utcTime(new Date(Date.now() - halfDayMs)), utcTime(new Date(Date.now() + halfDayMs))),
    subject,
    publicKey.export({ type: 'spki', format: 'der' }),
    tlv(0xa3, sequence(names, authority)),
  );
  const signature = sign('sha256', content, privateKey);
  const der = sequence(content, ecdsaSha256, tlv(0x03, Buffer.from([0]), signature));
  const lines = der.toString('base64').replace(/.{64}/g, '$&\n');
  return {
    cert: `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
  };
}
