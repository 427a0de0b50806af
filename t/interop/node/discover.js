// SPDX-License-Identifier: Apache-2.0

// node discover.js CLIENT ADDRESS PASSWORD: what the client finds, as one line.
'use strict';

const [client, address, password] = process.argv.slice(2);

const clients = {
  // The Managed API, ported: SOAP, by what the 401 of the plain-XML URL says.
  async 'ews-javascript-api'() {
    const ews = require('ews-javascript-api');
    const service = new ews.AutodiscoverService(null, null, ews.ExchangeVersion.Exchange2013_SP1);
    service.Credentials = new ews.WebCredentials(address, password);
    service.RedirectionUrlValidationCallback = () => true;
    const names = ews.UserSettingName;
    const reply = await service.GetUserSettings(address, [names.ExternalEwsUrl, names.AutoDiscoverSMTPAddress]);
    if (reply.ErrorCode !== ews.AutodiscoverErrorCode.NoError) {
      throw new Error(reply.ErrorMessage);
    }
    return reply.Settings.get(names.ExternalEwsUrl);
  },

  // Plain XML.
  autodiscover() {
    return new Promise((resolve, reject) => {
      require('autodiscover').getEwsUrl(address, { username: address, password },
        (error, url) => (error ? reject(error) : resolve(url)));
    });
  },

  // SOAP at all places at once, DNS included.
  'exchange-autodiscover'() {
    return require('exchange-autodiscover')({ emailAddress: address, username: address, password });
  },

  // As phones ask.
  'autodiscover-activesync'() {
    return require('autodiscover-activesync').default({ emailAddress: address, username: address, password });
  },
};

clients[client]().then(
  (found) => console.log(`found ${found}`),
  (error) => console.log(`error ${String((error && (error.message || error.Message)) || error).split('\n')[0]}`),
).finally(() => process.exit(0));
