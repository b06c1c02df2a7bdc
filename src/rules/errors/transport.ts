import { person, retry } from './entry';

/** What went wrong before or beside any answer of a server. The matches are names of the kinds of problem. */
export const TRANSPORT_ENTRIES = [
  retry(
    'Unreachable',
    ['unreachable'],
    'The server or service cannot be reached.',
    'Check host and port in the inventory, name resolution and firewalls.',
    'sqlferry',
  ),
  retry(
    'TimedOut',
    ['timeout'],
    'No answer came within the time limit; the effect may be there.',
    'The state is read before the step is tried again. If it repeats, look for blocking or an overloaded server.',
    'sqlferry',
  ),
  retry(
    'ConnectionLost',
    ['connection-lost'],
    'The connection broke while the request ran; the effect may be there.',
    'The state is read before the step is tried again.',
    'sqlferry',
  ),
  person(
    'TlsFailed',
    ['tls'],
    'The TLS handshake failed: the certificate of the server is not trusted, has expired or is made out to another name.',
    'Give tls.caFile or tls.serverName in the inventory, or renew the certificate of the server.',
    'sqlferry',
  ),
  person(
    'LoginFailed',
    ['login-failed', 18456, 18452, 18450, 18461],
    'The server refused the login: wrong user or password, or the login is missing or disabled.',
    'Check authentication in the inventory and the secret that it refers to; the error log of the server holds the reason.',
  ),
  retry(
    'Cancelled',
    ['cancelled'],
    'The request was cancelled by sqlferry itself.',
    'Nothing is to be done.',
    'sqlferry',
  ),
  retry(
    'Throttled',
    ['throttled'],
    'The service asks for fewer requests.',
    'The step is tried again after the time that the service names.',
    'learn.microsoft.com/azure/azure-resource-manager/management/request-limits-and-throttling',
  ),
  person(
    'Unauthorized',
    ['unauthorized'],
    'No access token was granted, or the token was refused.',
    'Check azure.credential in the inventory and the roles of that identity (SQL Managed Instance Contributor).',
    'learn.microsoft.com/azure/azure-sql/managed-instance/managed-instance-link-preparation',
  ),
] as const;
