/** Entry of dist/server.js: the editor's client starts it and chooses the transport by its arguments. */
import { createConnection, ProposedFeatures } from 'vscode-languageserver/node';
import { serve } from './server.js';

serve(createConnection(ProposedFeatures.all));
