/** Help that belongs to no cmdlet: where to begin, and how lines are written. */

export const INTRODUCTION: readonly string[] = [
  'This shell knows the cmdlets that Exchange administrators know. Tab completes names, parameters and values.',
  '',
  '  help *mailbox*                   finds cmdlets by name',
  '  help quota                       finds cmdlets by what they are about',
  '  help Set-PopSettings             explains one; -Examples, -Full, -Parameter NAME',
  '  Get-Command                      all of them',
  '  help language                    pipelines, quotes, lists, variables',
  '',
  '  Any cmdlet that changes something knows -WhatIf: it tells what would be done, and does nothing.',
  '  Ctrl-C stops a cmdlet, Ctrl-D or exit ends the shell.',
];

export const LANGUAGE: readonly string[] = [
  'A line is a cmdlet and its parameters. Case does not matter; a parameter may be shortened while one is meant.',
  '',
  '  Set-PopSettings -MaxConnections 500 -LogFileLocation "D:\\Logs"',
  '  Set-PopSettings -ExternalConnectionSettings {mail.contoso.com:995:SSL}',
  '  Set-PopSettings -SSLBindings @{Add="[::]:995"; Remove="0.0.0.0:995"}      edits a list',
  '  Set-PopSettings -Banner $null                                            $true, $false, $null',
  '',
  'Text:       \'as it stands\', "with $variables and `t escapes", or a bare word. 36MB and 1.00:30:00 are values.',
  'Lists:      a,b  or  {a,b}  or  @(a; b)',
  'Pipelines:  Get-Mailbox | Where-Object { $_.Name -like "a*" } | Sort-Object Name | Format-Table Name,Database',
  '            Get-Mailbox | Set-CASMailbox -ImapEnabled $false               objects feed the next cmdlet',
  '            | ConvertTo-Json    | Export-Csv -Path FILE    | Out-File -Path FILE    | Measure-Object',
  'Variables:  $ada = Get-Mailbox ada; $ada.Database; Get-MailboxStatistics $ada; Set-Mailbox (Get-Mailbox bob).Alias',
  'More lines: after | or , or `, and while a bracket or a quote is open. # begins a comment, ; ends a statement.',
  '',
  'Not there:  loops, if, functions, arithmetic, $(…), indexes, methods, redirections, calculated properties.',
];
