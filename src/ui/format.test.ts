import { describe, expect, it } from '@jest/globals';
import { about, bytes, cappedCount, count, duration, fieldsIn, moment, money, plural, shortDigest } from './format.js';
import { escape, html } from './html.js';
import { changedMarkup, fragmentState, stateName } from './parts/fragment.js';
import { visibleText } from './parts/hidden-characters.js';
import { Parts } from './parts/parts.js';
import { withTerm } from './parts/filter-terms.js';
import { parseRunFilter } from './runs/filter.js';

const plain = (text: string): string => text.replaceAll('\u202f', ' ');

describe('formats', () => {
  it('say numbers, times and sizes as people read them', () => {
    expect([count(10_000), cappedCount(10_001), count(999)].map(plain)).toEqual(['10 000', '10 000+', '999']);
    expect([340, 9_400, 72_000, 8_080_000].map(duration).map(plain)).toEqual(['340 ms', '9 s', '1:12', '2:14:40']);
    expect([30_000, 1_440_000, 13_200_000, 90_060_000, 180_000_000].map(about).map(plain)).toEqual([
      '30 s',
      '24 min',
      '3 h 40 min',
      '25 h',
      '2 d',
    ]);
    expect([980, 4_200_000_000].map(bytes).map(plain)).toEqual(['980 B', '4.2 GB']);
    expect([money(1_234.5), plural(1, 'run'), plural(2, 'run')].map(plain)).toEqual(['$1 234.50', '1 run', '2 runs']);
    expect(shortDigest(`sha256:7f3a${'0'.repeat(56)}c19e`)).toBe('7f3a…c19e');
  });

  it('show the time of day today and the day before that, in the zone of the reader', () => {
    const clock = { now: Date.parse('2026-11-21T12:00:00Z'), zone: 'Europe/Helsinki' };
    expect(moment('2026-11-21T12:02:00Z', clock)).toBe('14:02');
    expect(plain(moment('2026-11-12T12:02:00Z', clock))).toBe('12 Nov');
    expect(plain(moment('2024-11-12T12:02:00Z', clock))).toBe('12 Nov 2024');
  });
});

describe('the fields of a moment', () => {
  // Changes of the clock in half hours and whole ones, zones off by quarters, and one off by seconds until 1972.
  const zones = [
    'UTC',
    'Europe/Helsinki',
    'Asia/Kathmandu',
    'Australia/Lord_Howe',
    'America/St_Johns',
    'Africa/Monrovia',
  ];
  const times = ['1971-06-01T00:00:07Z', '1973-01-01T00:00:00Z', '2026-03-29T00:59:59.999Z', '2026-03-29T01:00:00Z'];
  const others = ['2026-04-04T14:59:59Z', '2026-04-04T15:00:01Z', '2026-12-31T23:14:59Z', '2026-12-31T23:59:59Z'];

  it.each(zones)('are those of the clocks in %s', (zone) => {
    const options = { dateStyle: 'medium', timeStyle: 'medium', timeZone: zone, hourCycle: 'h23' } as const;
    const exact = new Intl.DateTimeFormat('en-GB', options);
    for (const time of [...times, ...others]) {
      const ms = Date.parse(time);
      const { day, month, year, hour, minute, second } = fieldsIn(zone, ms);
      expect(`${day} ${month} ${year}, ${hour}:${minute}:${second}`).toBe(exact.format(ms));
    }
  });
});

describe('markup', () => {
  it('escapes all but markup, and refuses what is neither', () => {
    expect(html`<b title="${'"'}">${'<i>'}${html`<u>${'&'}</u>`}</b>`.toString()).toBe(
      '<b title="&quot;">&lt;i&gt;<u>&amp;</u></b>',
    );
    expect(() => escape({})).toThrow(TypeError);
  });

  it('leaves out the lines of the source, and nothing of a value', () => {
    const item = html`<li class="${'a'}">${'1\n  2'} <b>3</b></li>`;
    expect(
      html`<ul>
        ${item}
      </ul>`.toString(),
    ).toBe('<ul> <li class="a">1\n  2 <b>3</b></li> </ul>');
  });

  it('names every character that hides or reorders', () => {
    for (const [character, point] of [
      ['\u202e', 'U+202E'],
      ['\u200b', 'U+200B'],
      ['\ufeff', 'U+FEFF'],
      ['\u0007', 'U+0007'],
      ['\u{e0041}', 'U+E0041'],
      ['\u00a0', 'U+00A0'],
    ] as const) {
      expect(visibleText(`a${character}b`).toString()).toMatch(
        new RegExp(`^a<span class="hidden-char" title="[^"]+">${point.replace('+', '\\+')}</span>b$`),
      );
    }
    expect(visibleText('Zażółć 日本 👍\n\tplain').toString()).toBe('Zażółć 日本 👍\n\tplain');
  });
});

describe('fragments', () => {
  const list = (rows: [string, string][]) => {
    const made = rows.map(([id, text]) => ({
      id,
      html: html`<tr id="${id}">
        <td>${text}</td>
      </tr>`,
    }));
    return [
      {
        id: 'list',
        html: html`<tbody id="list">
          ${made.map((row) => row.html)}
        </tbody>`,
        rows: made,
      },
    ];
  };
  // Layout of the source must not matter here.
  const tight = (texts: readonly string[]): string[] => texts.map((text) => text.replace(/\s*(<[^>]+>)\s*/g, '$1'));
  const diff = (before: [string, string][], after: [string, string][]): string[] =>
    tight(changedMarkup(fragmentState(list(before)), list(after), fragmentState(list(after))));

  it('are sent row by row while the rows are the same, else as a whole', () => {
    expect(
      diff(
        [
          ['a', '1'],
          ['b', '2'],
        ],
        [
          ['a', '1'],
          ['b', '2'],
        ],
      ),
    ).toEqual([]);
    expect(
      diff(
        [
          ['a', '1'],
          ['b', '2'],
        ],
        [
          ['a', '1'],
          ['b', '3'],
        ],
      ),
    ).toEqual(['<tr id="b"><td>3</td></tr>']);
    expect(
      diff(
        [['b', '2']],
        [
          ['a', '1'],
          ['b', '2'],
        ],
      ),
    ).toEqual(['<tbody id="list"><tr id="a"><td>1</td></tr><tr id="b"><td>2</td></tr></tbody>']);
  });

  it('do not change because time goes by', () => {
    const since = '2026-11-21T10:00:00.000Z';
    const at = (time: string) => {
      const ui = new Parts({ now: Date.parse(time), zone: 'UTC' });
      const times = [ui.since(since), ui.ago(since), ui.timesSince(since, 40_000)];
      const markup = html`<p id="x">${[...times, ui.clockBar(since, '2026-11-21T11:00:00.000Z')]}</p>`;
      return { text: markup.toString(), name: stateName(fragmentState([{ id: 'x', html: markup }])) };
    };
    const [before, after] = [at('2026-11-21T10:01:00.000Z'), at('2026-11-21T10:07:00.000Z')];
    expect(before.text).toContain('>1.5×<');
    expect(after.text).toContain('>10.5×<');
    expect(after.name).toBe(before.name);
  });
});

describe('the filter of runs', () => {
  it('reads terms, and names what is none', () => {
    expect(parseRunFilter('status:open by:maria started:>24h patch web')).toEqual({
      terms: { status: ['created', 'running'], actor: 'maria', sinceMs: 86_400_000, name: 'patch web' },
      problem: null,
    });
    expect(parseRunFilter('status:odd colour:red').problem).toBe('status:odd');
    expect(withTerm('by:maria status:failed web', 'status', 'open')).toBe('status:open by:maria web');
    expect(withTerm('status:failed', 'status', null)).toBe('');
  });
});
