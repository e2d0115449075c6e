/** Format-List and Format-Table. */
import { type LocalCmdlet, localHelp } from '../local.ts';
import { AUTO_SIZED_ROWS, listLines, SAMPLED_ROWS, tableLines } from './present.ts';
import { streamOf } from './through.ts';

const formatList: LocalCmdlet = {
  begins: false,
  help: localHelp({
    name: 'Format-List',
    aliases: ['fl'],
    synopsis: 'Shows every object as a list of its properties.',
    parameters: [{ name: 'Property', kind: 'String[]', position: 1, help: 'Only these; * stands for any text.' }],
    examples: [
      { line: 'Get-PopSettings | Format-List', says: 'All settings of POP3.' },
      { line: 'Get-PopSettings | fl *Timeout,MaxC*', says: 'Time-outs and limits only.' },
    ],
  }),
  run: (call) => ({ items: listLines(streamOf(call).items, call.args.list('Property')), columns: null }),
};

const formatTable: LocalCmdlet = {
  begins: false,
  help: localHelp({
    name: 'Format-Table',
    aliases: ['ft'],
    synopsis: 'Shows objects as a table, one in each row.',
    parameters: [
      { name: 'Property', kind: 'String[]', position: 1, help: 'These columns; * stands for any text.' },
      {
        name: 'AutoSize',
        kind: 'SwitchParameter',
        help: `Columns as wide as the first ${AUTO_SIZED_ROWS} rows need (without: the first ${SAMPLED_ROWS}).`,
      },
      { name: 'Wrap', kind: 'SwitchParameter', help: 'Cuts nothing, however long the rows become.' },
      { name: 'HideTableHeaders', kind: 'SwitchParameter', help: 'Rows only.' },
    ],
    examples: [
      { line: 'Get-Service | Format-Table -AutoSize', says: 'As wide as needed.' },
      { line: 'Get-ReceiveConnector | ft Name,Fqdn,Enabled', says: 'Three columns.' },
    ],
  }),
  run: (call) => {
    const stream = streamOf(call);
    return {
      items: tableLines(stream.items, {
        properties: call.args.list('Property') ?? (stream.columns?.length === 0 ? null : stream.columns),
        sampledRows: call.args.on('AutoSize') ? AUTO_SIZED_ROWS : SAMPLED_ROWS,
        hideHeaders: call.args.on('HideTableHeaders'),
        width: call.args.on('Wrap') ? null : call.around.width,
      }),
      columns: null,
    };
  },
};

export const FORMAT: readonly LocalCmdlet[] = [formatList, formatTable];
