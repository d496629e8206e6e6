import { asAdmin, type TestDatabase } from './database.js';

/** Makes the audit trail as it is in a new database, whatever a test did to it; a tenth of the time that one takes. */
export async function emptyAuditTrail({ ownerUrl }: TestDatabase): Promise<void> {
  await asAdmin(ownerUrl, [
    'SET session_replication_role = replica',
    'TRUNCATE audit_log, audit_chain, audit_pending RESTART IDENTITY',
    'CREATE UNIQUE INDEX IF NOT EXISTS audit_chain_audit_id_key ON audit_chain (audit_id)',
  ]);
}
