/**
 * SMTP replies (RFC 5321 §4.2) with enhanced status codes (RFC 3463, RFC 2034, RFC 5248). Pure.
 */

export interface Reply {
  readonly code: number;
  /** Class.subject.detail; null where RFC 2034 §4 asks for none (greeting, EHLO, 3xx). */
  readonly enhanced: string | null;
  readonly lines: readonly string[];
}

export function reply(code: number, enhanced: string | null, ...lines: string[]): Reply {
  return { code, enhanced, lines: lines.length === 0 ? [''] : lines };
}

/** RFC 5321 §4.5.3.1.5: at most 512 octets with code and CRLF. */
const REPLY_LINE_BYTES = 512;

/** `enhanced` false: the connector does not announce ENHANCEDSTATUSCODES. */
export function formatReply({ code, enhanced, lines }: Reply, withEnhanced: boolean): string {
  const status = enhanced !== null && withEnhanced ? `${enhanced} ` : '';
  let text = '';
  for (const [index, line] of lines.entries()) {
    const separator = index < lines.length - 1 ? '-' : ' ';
    // Text may quote what the client sent: only printable ASCII goes out (RFC 5321 §4.2, textstring).
    const clean = `${status}${line}`.replace(/[^\x20-\x7e]/g, '?').slice(0, REPLY_LINE_BYTES - 6);
    text += `${code}${separator}${clean}\r\n`;
  }
  return text;
}
