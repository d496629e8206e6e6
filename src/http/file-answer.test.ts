import { describe, expect, it } from '@jest/globals';
import { dispositionOf } from './file-answer.js';

describe('dispositionOf', () => {
  it.each([
    ['report.txt', 'report.txt', 'report.txt'],
    ['a "quoted" \\name', 'a _quoted_ _name', 'a%20%22quoted%22%20_name'],
    ['x\r\nSet-Cookie: a=b', 'x__Set-Cookie: a=b', 'x__Set-Cookie%3A%20a%3Db'],
    ['gnp.\u202eexe', 'gnp._exe', 'gnp._exe'],
    ['../../etc/passwd', '.._.._etc_passwd', '.._.._etc_passwd'],
    ['..\\..\\boot.ini', '.._.._boot.ini', '.._.._boot.ini'],
    ['größe ☃.bin', 'gr__e _.bin', 'gr%C3%B6%C3%9Fe%20%E2%98%83.bin'],
    ["it's (50%)*", "it's (50_)*", 'it%27s%20%2850%25%29%2A'],
    ['half \ud83d', 'half _', 'half _'.replace(' ', '%20')],
    ['zero\u0000 \u2028 \ufeff', 'zero_ _ _', 'zero_%20_%20_'],
    ["a; filename*=UTF-8''evil.exe", "a; filename*=UTF-8''evil.exe", 'a%3B%20filename%2A%3DUTF-8%27%27evil.exe'],
  ])('of %j stays inside of its quotes', (name, plain, encoded) => {
    const header = dispositionOf(name);
    expect(header).toBe(`attachment; filename="${plain}"; filename*=UTF-8''${encoded}`);
    expect(header).toMatch(/^[\x20-\x7e]+$/);
  });
});
