/**
 * BODYSTRUCTURE and BODY (RFC 9051 §7.5.2, grammar `body` of §9), extension data always complete: clients look for
 * dispositions, languages and boundaries there (field-study.md C6). Types, encodings and parameter names in lower
 * case, values as written. The grammar leaves no room for a multipart without parts; see Entity.contentType.
 */
import type { ByteSink } from './byte-sink.ts';
import type { Entity } from './entity.ts';
import { writeNstring, writeString } from './imap-string.ts';
import type { Parameter } from './parameters.ts';

const SPACE = 0x20;
const OPEN = 0x28;
const CLOSE = 0x29;

/** `(…)` without a label. Leaves marks on the entities that writeBody needs: call it first, with the same sink. */
export function writeBodyStructure(out: ByteSink, entity: Entity): void {
  out.byte(OPEN);
  if (entity.kind === 'multipart' && entity.children.length > 0) {
    for (const child of entity.children) writeBodyStructure(out, child);
    entity.basicStart = out.length;
    out.byte(SPACE);
    writeString(out, entity.header.subtype);
    entity.basicEnd = out.length;
    out.byte(SPACE);
    writeParameters(out, entity.header.parameters);
  } else {
    entity.basicStart = out.length;
    writeBasicFields(out, entity);
    entity.basicEnd = out.length;
    const [message] = entity.children;
    if (message !== undefined) {
      out.byte(SPACE);
      writeEnclosedEnvelope(out, message);
      out.byte(SPACE);
      writeBodyStructure(out, message);
    }
    writeLines(out, entity);
    out.byte(SPACE);
    writeNstring(out, entity.header.md5);
  }
  writeExtension(out, entity);
  out.byte(CLOSE);
}

/** The form without extension data. */
export function writeBody(out: ByteSink, entity: Entity): void {
  out.byte(OPEN);
  const isMultipart = entity.kind === 'multipart' && entity.children.length > 0;
  if (isMultipart) for (const child of entity.children) writeBody(out, child);
  out.range(out.bytes, entity.basicStart, entity.basicEnd);
  if (!isMultipart) {
    const [message] = entity.children;
    if (message !== undefined) {
      out.byte(SPACE);
      writeEnclosedEnvelope(out, message);
      out.byte(SPACE);
      writeBody(out, message);
    }
    writeLines(out, entity);
  }
  out.byte(CLOSE);
}

/** body-type-1part up to body-fld-octets. */
function writeBasicFields(out: ByteSink, entity: Entity): void {
  const { type, subtype, parameters } = entity.contentType;
  const { id, description, encoding } = entity.header;
  writeString(out, type);
  out.byte(SPACE);
  writeString(out, subtype);
  out.byte(SPACE);
  writeParameters(out, parameters);
  out.byte(SPACE);
  writeNstring(out, id);
  out.byte(SPACE);
  writeNstring(out, description);
  out.byte(SPACE);
  writeString(out, encoding);
  out.byte(SPACE);
  out.decimal(entity.bodyEnd - entity.bodyStart);
}

function writeEnclosedEnvelope(out: ByteSink, message: Entity): void {
  const { envelope } = message;
  if (envelope === null) out.octets('(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)');
  else out.range(envelope, 0, envelope.length);
}

function writeLines(out: ByteSink, entity: Entity): void {
  if (entity.contentType.type !== 'text' && entity.kind !== 'message') return;
  out.byte(SPACE);
  out.decimal(entity.lines);
}

/** body-fld-dsp, body-fld-lang, body-fld-loc. */
function writeExtension(out: ByteSink, entity: Entity): void {
  const { disposition, languages, location } = entity.header;
  if (disposition === null) out.octets(' NIL ');
  else {
    out.octets(' (');
    writeString(out, disposition.kind);
    out.byte(SPACE);
    writeParameters(out, disposition.parameters);
    out.octets(') ');
  }
  if (languages.length === 0) out.octets('NIL');
  else if (languages.length === 1) writeString(out, languages[0]!);
  else {
    for (const [index, language] of languages.entries()) {
      out.byte(index === 0 ? OPEN : SPACE);
      writeString(out, language);
    }
    out.byte(CLOSE);
  }
  out.byte(SPACE);
  writeNstring(out, location);
}

function writeParameters(out: ByteSink, parameters: readonly Parameter[]): void {
  if (parameters.length === 0) {
    out.octets('NIL');
    return;
  }
  for (const [index, { name, value }] of parameters.entries()) {
    out.byte(index === 0 ? OPEN : SPACE);
    writeString(out, name);
    out.byte(SPACE);
    writeString(out, value);
  }
  out.byte(CLOSE);
}
