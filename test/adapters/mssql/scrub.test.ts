import { scrub } from '../../../src/adapters/mssql/scrub';

test.each([
  ['whole', "near 'hunter22'", "near '********'"],
  ['cut by the server', "character string 'hunte", "character string '********"],
  ['inside a longer text', 'x=hunter22;', 'x=********;'],
  ['other words stay', 'the hunter was here', 'the hunter was here'],
])('%s', (_what, text, expected) => {
  expect(scrub(text, ['hunter22'])).toBe(expected);
});

test('a secret with quotes is masked as it is and as it was sent', () => {
  expect(scrub("a'b c and a''b c", ["a'b c"])).toBe('******** and ********');
});

test('an empty secret masks nothing', () => {
  expect(scrub('abc', [''])).toBe('abc');
});

test('hexadecimal: keys are masked, thumbprints and LSNs are not', () => {
  const thumbprint = `0x${'a1'.repeat(20)}`;
  expect(scrub(`${thumbprint} ${'b2'.repeat(32)} 0x${'c3'.repeat(33)}`)).toBe(
    `${thumbprint} ${'b2'.repeat(32)} 0x<masked>`,
  );
});

test('tokens and signatures', () => {
  expect(scrub('Bearer eyJhbGciOi.eyJzdWIi.c2ln end')).toBe('Bearer <masked token> end');
  expect(scrub("https://a.blob/x?sv=1&sig=a%2Bb&se=2'")).toBe("https://a.blob/x?sv=1&sig=********&se=2'");
});
