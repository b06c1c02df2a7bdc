import { formatDuration } from '../../model/duration';
import { sameName } from '../names';
import { failed, notApplicable, passed } from '../preflight';
import { formatBytes } from '../sizes';
import { DOCUMENTED_SEEDING_RATE, estimateSeedingBeforeStart } from '../sql-server/seeding-estimate';
import { DOC, type LinkCheck, ofDatabase } from './preflight-context';

/** What the run will do at its end, asked before its beginning. */
export const CUTOVER_CHECKS: readonly LinkCheck[] = [
  {
    id: 'seeding.deadline',
    title: 'Seeding ends before its deadline at a documented rate',
    severity: 'warning',
    remedy:
      'Measure the network; compress the stream (trace flag 9567); seed few databases at the same time.',
    source: `${DOC.troubleshoot} (84 GB/h in its example)`,
    preventsError: '41964',
    run: ofDatabase(({ files }, { spec }) => {
      const bytes = files
        .filter(({ typeDesc }) => typeDesc !== 'LOG')
        .reduce((sum, file) => sum + file.sizeBytes, 0);
      const { durationMs } = estimateSeedingBeforeStart(bytes, DOCUMENTED_SEEDING_RATE);
      const { deadline } = spec.settings.seeding;
      const evidence = `${formatBytes(bytes)} take about ${formatDuration(durationMs)}; the deadline is ${formatDuration(deadline)}.`;
      return durationMs <= deadline ? passed(evidence) : failed(evidence);
    }),
  },
  {
    id: 'cutover.route',
    title: 'The link can be kept after the cutover, if the migration asks for it',
    severity: 'blocker',
    remedy:
      'Set cutover.afterwards to remove-link, or take SQL Server 2022 CU13 or later and an instance whose update policy matches.',
    source: DOC.failover,
    preventsError: '41985',
    run({ capabilities, spec }) {
      const planned = capabilities.operations['planned-failover'];
      if (capabilities.cutoverRoute === 'planned-failover')
        return passed('The cutover is a planned failover.');
      const evidence = `The cutover deletes the link: ${planned.reason}`;
      return spec.settings.cutover.afterwards === 'keep-link' ? failed(evidence) : passed(evidence);
    },
  },
  {
    id: 'cutover.fence-logins',
    title: 'The logins that the fence disables exist',
    severity: 'blocker',
    remedy: 'Correct cutover.fence.disableLogins; a misspelt login would go on writing behind the fence.',
    source: 'sqlferry: no committed transaction may be lost by a planned failover',
    preventsError: '15151',
    run({ facts, spec }) {
      const named = spec.settings.cutover.fence.disableLogins;
      if (named.length === 0) return notApplicable('No logins are named.');
      return facts.missingFenceLogins.length === 0
        ? passed(`${named.join(', ')} exist.`)
        : failed(`There is no login ${facts.missingFenceLogins.join(', ')}.`);
    },
  },
  {
    id: 'cutover.fence-own-login',
    title: 'The fence does not disable the login of sqlferry itself',
    severity: 'blocker',
    remedy: 'Give sqlferry a login of its own, that no application uses.',
    source: 'sqlferry: whoever puts up the fence must be able to lift it',
    preventsError: '18470',
    run({ spec }) {
      const { authentication } = spec.server;
      if (authentication.type !== 'sql') return notApplicable('sqlferry does not use a SQL login.');
      const isOwn = spec.settings.cutover.fence.disableLogins.some((login) =>
        sameName(login, authentication.user),
      );
      return isOwn
        ? failed(`cutover.fence.disableLogins names ${authentication.user}, which sqlferry uses.`)
        : passed(`${authentication.user} is not in cutover.fence.disableLogins.`);
    },
  },
  {
    id: 'cutover.fence-empty',
    title: 'The fence stops the applications',
    severity: 'warning',
    remedy:
      "Name the applications' logins in cutover.fence.disableLogins, or stop the applications yourself before you approve.",
    source: `${DOC.failover}: stop the workload first`,
    preventsError: '47514',
    run: ({ spec }) =>
      spec.settings.cutover.fence.disableLogins.length > 0
        ? passed(`It disables ${spec.settings.cutover.fence.disableLogins.join(', ')}.`)
        : failed('cutover.fence.disableLogins is empty: nothing stops writing at the cutover.'),
  },
  {
    id: 'cutover.schedule',
    title: 'The time of the cutover lies ahead',
    severity: 'info',
    remedy: 'The cutover begins as soon as it may; give a later time if that is not wanted.',
    source: 'sqlferry',
    preventsError: null,
    run({ spec, now }) {
      const { schedule } = spec.settings.cutover;
      if (schedule.type !== 'at') return notApplicable('No fixed time is given.');
      return Date.parse(schedule.time) > now
        ? passed(`The cutover may begin at ${schedule.time}.`)
        : failed(`${schedule.time} has passed.`);
    },
  },
];
