/** The rows of the mails that scenarios show: grammars/mail-rows.json. */
import table from '../../../../grammars/mail-rows.json' with { type: 'json' };

export interface MailRow {
  row: string;
  says: string;
}

export const MAIL_ROWS: readonly MailRow[] = table.rows;

const MAILS: Readonly<Record<string, string>> = table.mails;

/** What the mail of a row is about. */
export const mailOf = (row: string): string => MAILS[row[0]!] ?? '';
