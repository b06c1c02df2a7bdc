/** Search attributes of all workflows, so that `temporal workflow list` and the UI can filter. Never secrets: they are not encrypted. */
import { defineSearchAttributeKey } from '@temporalio/common';

export const databaseKey = defineSearchAttributeKey('SqlferryDatabase', 'KEYWORD');
export const instanceKey = defineSearchAttributeKey('SqlferryInstance', 'KEYWORD');
export const topologyKey = defineSearchAttributeKey('SqlferryTopology', 'KEYWORD');
export const phaseKey = defineSearchAttributeKey('SqlferryPhase', 'KEYWORD');
