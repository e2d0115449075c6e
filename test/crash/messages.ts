/** Messages whose bytes follow from their name, so that a checker needs no copy of them. */
export function crashMessage(name: string): string {
  let seed = 7;
  for (const letter of name) seed = (seed * 31 + letter.charCodeAt(0)) % 65_521;
  const lines = Array.from({ length: (seed % 300) + 1 }, (_, i) => `${name} ${i} ${'~'.repeat(60)}\r\n`).join('');
  return `From: crash@example.org\r\nSubject: ${name}\r\nMessage-ID: <${name}@example.org>\r\n\r\n${lines}`;
}

export function nameOf(message: string): string {
  return /^Subject: (\S+)\r$/m.exec(message)?.[1] ?? '';
}
