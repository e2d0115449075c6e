/**
 * Where the directory's PostgreSQL may be: one connection URL, several, or one that names several hosts as libpq
 * writes it (`postgres://user@db1:5432,db2/mail?target_session_attrs=read-write`). Whichever of them takes writes is
 * the one. Passwords stay in `url`, which is for the driver and nobody else.
 */
import { Failure } from '../../../observe/failure.ts';

/** Members of one PostgreSQL cluster are few. */
export const PLACES = 16;

export interface Place {
  /** With the password: never for a log or an error. */
  readonly url: string;
  /** Host, port and database, for people. */
  readonly name: string;
}

const URL_PARTS = /^(postgres(?:ql)?:\/\/)([^/?#]*@)?([^/?#@]*)(\/[^?#]*)?(\?[^#]*)?$/i;
const ELSEWHERE = new Set(['target_session_attrs', 'load_balance_hosts', 'connect_timeout']);

/** @throws Failure CANNOT, in words without the URL */
export function placesOf(urls: readonly string[]): readonly Place[] {
  const places = urls.flatMap(placesOfOne);
  if (places.length < 1 || places.length > PLACES)
    throw new Failure('CANNOT', `the directory takes 1–${PLACES} PostgreSQL hosts`);
  return places;
}

function placesOfOne(url: string): readonly Place[] {
  const parts = URL_PARTS.exec(url.trim());
  if (parts === null) throw unreadable();
  const [, scheme = '', user = '', hosts = '', path = '', query = ''] = parts;
  const parameters = new URLSearchParams(query);
  const wanted = parameters.get('target_session_attrs');
  if (wanted !== null && !['any', 'read-write', 'primary'].includes(wanted))
    throw new Failure('CANNOT', 'target_session_attrs must be read-write: the directory is written to');
  // These are libpq's; here every host is asked whether it takes writes, with time limits of our own.
  for (const name of ELSEWHERE) parameters.delete(name);
  const rest = parameters.size === 0 ? '' : `?${parameters.toString()}`;
  return hosts.split(',').map((host) => {
    const one = `${scheme}${user}${host}${path}${rest}`;
    if (!URL.canParse(one)) throw unreadable();
    const { hostname, port, pathname } = new URL(one);
    const socket = parameters.get('host');
    return { url: one, name: `${socket ?? hostname}:${parameters.get('port') ?? (port || '5432')}${pathname}` };
  });
}

const unreadable = (): Failure =>
  new Failure(
    'CANNOT',
    'the directory needs a connection URL such as postgres://user:password@db.example.org:5432/penfold (special characters in the password as %XX)',
  );
