/** What the DNS says about the names that users and other servers need. Without an answer it says so and goes on. */
import { Resolver } from 'node:dns/promises';
import type { AcceptedDomain } from '../../directory/model.ts';
import { advice, type Finding, ok, problem, unknown } from './finding.ts';

/** As node:dns has it; tests put their own in. */
export interface NameService {
  addresses(host: string): Promise<readonly string[]>;
  mx(domain: string): Promise<readonly string[]>;
  /** RFC 6186: targets of a service. */
  srv(name: string): Promise<readonly string[]>;
}

const ANSWER_MS = 3_000;
/** Names that are nobody's in the DNS (RFC 6761, RFC 2606): tries and tests. */
const LOCAL_ONLY = /(^|\.)(localhost|test|example|invalid|local|internal)$/i;

export function systemNames(): NameService {
  const resolver = new Resolver({ timeout: ANSWER_MS, tries: 1 });
  const maybe = async <T>(asked: Promise<readonly T[]>): Promise<readonly T[]> => {
    try {
      return await asked;
    } catch (error) {
      const code: unknown = error instanceof Error ? Reflect.get(error, 'code') : undefined;
      if (code === 'ENOTFOUND' || code === 'ENODATA') return [];
      throw error;
    }
  };
  return {
    addresses: async (host) => [...(await maybe(resolver.resolve4(host))), ...(await maybe(resolver.resolve6(host)))],
    mx: async (domain) => (await maybe(resolver.resolveMx(domain))).map((one) => one.exchange),
    srv: async (name) => (await maybe(resolver.resolveSrv(name))).map((one) => one.name),
  };
}

export async function dnsFindings(
  names: NameService,
  hosts: readonly string[],
  domains: readonly AcceptedDomain[],
): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  for (const host of new Set(hosts.map((each) => each.toLowerCase()))) {
    findings.push(await hostFinding(names, host));
  }
  for (const { name } of domains) {
    if (LOCAL_ONLY.test(name)) continue;
    findings.push(await domainFinding(names, name));
    findings.push(await discoveryFinding(names, name));
  }
  return findings;
}

async function hostFinding(names: NameService, host: string): Promise<Finding> {
  if (LOCAL_ONLY.test(host))
    return advice(
      'DNS',
      `${host} is a name for this machine only`,
      'for real use: penfold setup with the name clients use',
    );
  try {
    const found = await names.addresses(host);
    return found.length === 0
      ? problem('DNS', `${host} has no address`, `add an A or AAAA record for ${host}`)
      : ok('DNS', `${host} is ${found.join(', ')}`);
  } catch (error) {
    return unanswered(host, error);
  }
}

async function domainFinding(names: NameService, domain: string): Promise<Finding> {
  try {
    const found = await names.mx(domain);
    return found.length === 0
      ? advice(
          'DNS',
          `mail for ${domain} does not come here from outside: it has no MX record`,
          `add an MX record for ${domain}`,
        )
      : ok('DNS', `mail for ${domain} goes to ${found.join(', ')}`);
  } catch (error) {
    return unanswered(domain, error);
  }
}

async function discoveryFinding(names: NameService, domain: string): Promise<Finding> {
  try {
    const found = await names.srv(`_imaps._tcp.${domain}`);
    return found.length === 0
      ? advice(
          'DNS',
          `mail programs do not find the server of ${domain} by themselves (RFC 6186)`,
          `add SRV records _imaps._tcp.${domain} and _submissions._tcp.${domain}`,
        )
      : ok('DNS', `_imaps._tcp.${domain} leads to ${found.join(', ')}`);
  } catch (error) {
    return unanswered(domain, error);
  }
}

const unanswered = (name: string, error: unknown): Finding => {
  const code: unknown = error instanceof Error ? Reflect.get(error, 'code') : undefined;
  return unknown('DNS', `the DNS did not answer about ${name} (${String(code ?? error)})`);
};
