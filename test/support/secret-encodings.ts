/** A secret as it may be written somewhere. */
export interface EncodedSecret {
  name: string;
  text: string;
}

/** Twelve ways in which a secret could be kept by accident. Base64 is looked for without what depends on its neighbours. */
export function encodingsOf(secret: string): EncodedSecret[] {
  const bytes = Buffer.from(secret);
  const base64 = bytes.toString('base64').replace(/=+$/, '');
  const hex = bytes.toString('hex');
  const percent = [...bytes].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');
  const forms: Record<string, string> = {
    plain: secret,
    upper: secret.toUpperCase(),
    reversed: Array.from(secret).reverse().join(''),
    base64,
    base64url: bytes.toString('base64url'),
    'base64 twice': Buffer.from(bytes.toString('base64')).toString('base64').replace(/=+$/, ''),
    hex,
    'hex upper': hex.toUpperCase(),
    'URL-encoded': encodeURIComponent(secret),
    'percent-encoded': percent,
    'JSON in JSON': JSON.stringify(JSON.stringify(secret)).slice(3, -3),
    'HTML entities': Array.from(secret, (char) => `&#${char.charCodeAt(0)};`).join(''),
  };
  const seen = new Set<string>();
  return Object.entries(forms).flatMap(([name, text]) => {
    if (seen.has(text)) return [];
    seen.add(text);
    return [{ name, text }];
  });
}
