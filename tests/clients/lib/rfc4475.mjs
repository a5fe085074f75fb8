// Messages of RFC 4475 byte for byte, by the names it gives them, and after RFC 5118 those with IPv6
// addresses. Only the newest Via differs when
// they are sent: it asks for the answer by `rport` (RFC 3581), since nobody is at the RFC's hosts.

const sdp = (address) => ['v=0', `o=mhandley 29739 7272939 IN IP4 ${address}`, 's=-', `c=IN IP4 ${address}`, 't=0 0',
    'm=audio 49217 RTP/AVP 0 12', 'm=video 3227 RTP/AVP 31', 'a=rtpmap:31 LPC', ''];
const lines = (...all) => Buffer.from(all.flat().join('\r\n'));

// The signature in mpart01: 342 bytes with zeros and line ends among them.
const SIGNATURE = Buffer.from(`MIIBUgYJKoZIhvcNAQcCoIIBQzCCAT8CAQExCTAHBgUrDgMCGjALBgkqhkiG9w0BBwExggEgMIIB
HAIBATB8MHAxCzAJBgNVBAYTAlVTMRMwEQYDVQQIEwpDYWxpZm9ybmlhMREwDwYDVQQHEwhTYW4g
Sm9zZTEOMAwGA1UEChMFc2lwaXQxKTAnBgNVBAsTIFNpcGl0IFRlc3QgQ2VydGlmaWNhdGUgQXV0
aG9yaXR5AggBlQBxAjMBEzAHBgUrDgMCGjANBgkqhkiG9w0BAQEFAASBgI70ZvlI8FIt0uWXjp2V
quny/hWgZllxYpLo2iqo2DUKaM7/rjy9K/8Wdd3VZI5ZPdZHKPJiIPfpQXSeMw2aFe2r25PRDEIQ
LntyidKcwMmuLvvHwM/5Fy87An5PwCfhVG3ktqo6uz5mzMtd1sZLg4MUnLjm/xgtlE/le2W8mdAF`, 'base64');

const MESSAGES = {
    intmeth: lines(
        "!interesting-Method0123456789_*+`.%indeed'~ sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*:&it+has=1,weird!*pas$wo~d_too.(doesn't-it)@example.com SIP/2.0",
        "Via: SIP/2.0/TCP host1.example.com;branch=z9hG4bK-.!%66*_+`'~",
        `To: "BEL:\\\x07 NUL:\\\x00 DEL:\\\x7f" <sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*@example.com>`,
        `From: token1~\` token2'+_ token3*%!.- <sip:mundane@example.com>;fromParam''~+*_!.-%="работающий";tag=_token~1'+\`*%!-.`,
        'Call-ID: intmeth.word%ZK-!.*_+\'@word`~)(><:\\/"][?}{',
        "CSeq: 139122385 !interesting-Method0123456789_*+`.%indeed'~",
        'Max-Forwards: 255',
        "extensionHeader-!.%*+_`'~:\ufeff大停電",
        'Content-Length: 0', '', ''),
    mpart01: Buffer.concat([lines(
        'MESSAGE sip:kumiko@example.org SIP/2.0',
        'Via: SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bK-d87543-4dade06d0bdb11ee-1--d87543-;rport',
        'Max-Forwards: 70',
        'Route: <sip:127.0.0.1:5080>',
        'Identity: r5mwreLuyDRYBi/0TiPwEsY3rEVsk/G2WxhgTV1PF7hHuLIK0YWVKZhKv9Mj8UeXqkMVbnVq37CD+813gvYjcBUaZngQmXc9WNZSDNGCzA+fWl9MEUHWIZo1CeJebdY/XlgKeTa0Olvq0rt70Q5jiSfbqMJmQFteeivUhkMWYUA=',
        'Contact: <sip:fluffy@127.0.0.1:5070>',
        'To: <sip:kumiko@example.org>',
        'From: <sip:fluffy@example.com>;tag=2fb0dcc9',
        'Call-ID: 3d9485ad0c49859b@Zmx1ZmZ5LW1hYy0xNi5sb2NhbA..',
        'CSeq: 1 MESSAGE',
        'Content-Transfer-Encoding: binary',
        'Content-Type: multipart/mixed;boundary=7a9cbec02ceef655',
        'Date: Sat, 15 Oct 2005 04:44:56 GMT',
        'User-Agent: SIPimp.org/0.2.5 (curses)',
        'Content-Length: 553', '',
        '--7a9cbec02ceef655', 'Content-Type: text/plain', 'Content-Transfer-Encoding: binary', '', 'Hello',
        '--7a9cbec02ceef655', 'Content-Type: application/octet-stream', 'Content-Transfer-Encoding: binary', '', ''),
    SIGNATURE, lines('', '--7a9cbec02ceef655--', '')]),
    unreason: lines(
        'SIP/2.0 200 = 2**3 * 5**2 но сто девяносто девять - простое',
        'Via: SIP/2.0/UDP 192.0.2.198;branch=z9hG4bK1324923',
        'Call-ID: unreason.1234ksdfak3j2erwedfsASdf', 'CSeq: 35 INVITE',
        'From: sip:user@example.com;tag=11141343', 'To: sip:user@example.edu;tag=2229',
        'Content-Length: 154', 'Content-Type: application/sdp', 'Contact: <sip:user@host198.example.com>', '',
        sdp('192.0.2.198')),
    noreason: lines(
        'SIP/2.0 100 ', 'Via: SIP/2.0/UDP 192.0.2.105;branch=z9hG4bK2398ndaoe',
        'Call-ID: noreason.asndj203insdf99223ndf', 'CSeq: 35 INVITE',
        'From: <sip:user@example.com>;tag=39ansfi3', 'To: <sip:user@example.edu>;tag=902jndnke3',
        'Content-Length: 0', 'Contact: <sip:user@host105.example.com>', '', ''),
    scalarlg: lines(
        'SIP/2.0 503 Service Unavailable',
        'Via: SIP/2.0/TCP host129.example.com;branch=z9hG4bKzzxdiwo34sw;received=192.0.2.129',
        'To: <sip:user@example.com>', 'From: <sip:other@example.net>;tag=2easdjfejw',
        'CSeq: 9292394834772304023312 OPTIONS', 'Call-ID: scalarlg.noase0of0234hn2qofoaf0232aewf2394r',
        'Retry-After: 949302838503028349304023988', 'Warning: 1812 overture "In Progress"', 'Content-Length: 0', '', ''),
    baddate: lines(
        'INVITE sip:user@example.com SIP/2.0', 'To: sip:user@example.com', 'From: sip:caller@example.net;tag=2234923',
        'Max-Forwards: 70', 'Call-ID: baddate.239423mnsadf3j23lj42--sedfnm234', 'CSeq: 1392934 INVITE',
        'Via: SIP/2.0/UDP host.example.com;branch=z9hG4bKkdjuw', 'Date: Fri, 01 Jan 2010 16:00:00 EST',
        'Contact: <sip:caller@host5.example.net>', 'Content-Type: application/sdp', 'Content-Length: 150', '',
        sdp('192.0.2.5')),
    regbadct: lines(
        'REGISTER sip:example.com SIP/2.0', 'To: sip:user@example.com', 'From: sip:user@example.com;tag=998332',
        'Max-Forwards: 70', 'Call-ID: regbadct.k345asrl3fdbv@10.0.0.1', 'CSeq: 1 REGISTER',
        'Via: SIP/2.0/UDP 135.180.130.133:5060;branch=z9hG4bKkdjuw',
        'Contact: sip:user@example.com?Route=%3Csip:sip.example.com%3E', 'l: 0', '', ''),
    badaspec: lines(
        'OPTIONS sip:user@example.org SIP/2.0', 'Via: SIP/2.0/UDP host4.example.com:5060;branch=z9hG4bKkdju43234',
        'Max-Forwards: 70', 'From: "Bell, Alexander" <sip:a.g.bell@example.com>;tag=433423',
        'To: "Watson, Thomas" < sip:t.watson@example.org >', 'Call-ID: badaspec.sdf0234n2nds0a099u23h3hnnw009cdkne3',
        'Accept: application/sdp', 'CSeq: 3923239 OPTIONS', 'l: 0', '', ''),
    unksm2: lines(
        'REGISTER sip:example.com SIP/2.0', 'To: isbn:2983792873', 'From: <http://www.example.com>;tag=3234233',
        'Call-ID: unksm2.daksdj@hyphenated-host.example.com', 'CSeq: 234902 REGISTER', 'Max-Forwards: 70',
        'Via: SIP/2.0/UDP 192.0.2.21:5060;branch=z9hG4bKkdjuw', 'Contact: <name:John_Smith>', 'l: 0', '', ''),
    regaut01: lines(
        'REGISTER sip:example.com SIP/2.0', 'To: sip:j.user@example.com', 'From: sip:j.user@example.com;tag=87321hj23128',
        'Max-Forwards: 8', 'Call-ID: regaut01.0ha0isndaksdj', 'CSeq: 9338 REGISTER',
        'Via: SIP/2.0/TCP 192.0.2.253;branch=z9hG4bKkdjuw',
        'Authorization: NoOneKnowsThisScheme opaque-data=here', 'Content-Length:0', '', ''),
    cparam01: lines(
        'REGISTER sip:example.com SIP/2.0', 'Via: SIP/2.0/UDP saturn.example.com:5060;branch=z9hG4bKkdjuw',
        'Max-Forwards: 70', 'From: sip:watson@example.com;tag=DkfVgjkrtMwaerKKpe', 'To: sip:watson@example.com',
        'Call-ID: cparam01.70710@saturn.example.com', 'CSeq: 2 REGISTER',
        'Contact: sip:+19725552222@gw1.example.net;unknownparam', 'l: 0', '', ''),
    cparam02: lines(
        'REGISTER sip:example.com SIP/2.0', 'Via: SIP/2.0/UDP saturn.example.com:5060;branch=z9hG4bKkdjuw',
        'Max-Forwards: 70', 'From: sip:watson@example.com;tag=838293', 'To: sip:watson@example.com',
        'Call-ID: cparam02.70710@saturn.example.com', 'CSeq: 3 REGISTER',
        'Contact: <sip:+19725552222@gw1.example.net;unknownparam>', 'l: 0', '', ''),
    regescrt: lines(
        'REGISTER sip:example.com SIP/2.0', 'To: sip:user@example.com', 'From: sip:user@example.com;tag=8',
        'Max-Forwards: 70', 'Call-ID: regescrt.k345asrl3fdbv@192.0.2.1', 'CSeq: 14398234 REGISTER',
        'Via: SIP/2.0/UDP host5.example.com;branch=z9hG4bKkdjuw',
        'M: <sip:user@example.com?Route=%3Csip:sip.example.com%3E>', 'L:0', '', ''),
};

const v6 = (method, uri, { via = '[2001:db8::9:1]', contact = '[2001:db8::1]', id, body } = {}) => lines(
    `${method} ${uri} SIP/2.0`, 'To: sip:user@example.com', 'From: sip:user@example.com;tag=81x2',
    `Via: SIP/2.0/UDP ${via};branch=z9hG4bKas3-${id}`, `Call-ID: ${id}@[2001:db8::1]`, 'Max-Forwards: 70',
    `Contact: "Caller" <sip:caller@${contact}>`, `CSeq: 98176 ${method}`,
    ...(body ? ['Content-Type: application/sdp', `Content-Length: ${Buffer.byteLength(body.join('\r\n'))}`, '', body]
        : ['Content-Length: 0', '', '']));

Object.assign(MESSAGES, {
    ipv6_good: v6('REGISTER', 'sip:[2001:db8::10]', { id: 'good' }),
    ipv6_bad: v6('REGISTER', 'sip:2001:db8::10', { id: 'bad' }),
    port_ambiguous: v6('REGISTER', 'sip:[2001:db8::10:5070]', { id: 'ambiguous' }),
    port_unambiguous: v6('REGISTER', 'sip:[2001:db8::10]:5070', { id: 'unambiguous' }),
    via_received_with_delim: v6('BYE', 'sip:user@[2001:db8::10]', { id: 'with', via: '[2001:db8::9:1];received=[2001:db8::9:255]' }),
    via_received_no_delim: v6('BYE', 'sip:user@[2001:db8::10]', { id: 'without', via: '[2001:db8::9:1];received=2001:db8::9:255' }),
    ipv6_in_sdp: v6('INVITE', 'sip:user@[2001:db8::10]', { id: 'insdp', body: ['v=0', 'o=assistant 971731711378798081 0 IN IP6 2001:db8::20',
        's=Live video feed', 'c=IN IP6 2001:db8::20', 't=3338481189 3370017201', 'm=audio 6000 RTP/AVP 2 0', 'a=rtpmap:2 G726-32/8000', ''] }),
    mult_ip_in_header: v6('BYE', 'sip:user@host.example.net', { id: 'mult', via: '[2001:db8::9:1]:6050;branch=z9hG4bKas3-222,\r\n' +
        ' SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKjhja8781hjuaij65144,\r\n SIP/2.0/TCP [2001:db8::9:2]' }),
    mult_ip_in_sdp: v6('INVITE', 'sip:user@[2001:db8::10]', { id: 'multsdp', body: ['v=0', 'o=bob 280744730 28977631 IN IP4 host.example.com', 's=-',
        't=0 0', 'm=audio 22334 RTP/AVP 0', 'c=IN IP4 192.0.2.1', 'm=video 6024 RTP/AVP 107', 'c=IN IP6 2001:db8::1', 'a=rtpmap:107 H263-1998/90000', ''] }),
    ipv4_mapped_ipv6: v6('INVITE', 'sip:user@host.example.com', { id: 'mapped', contact: '[::ffff:192.0.2.10]', via: '[::ffff:192.0.2.10]:19823',
        body: ['v=0', 'o=rajesh 291843 28192 IN IP6 ::ffff:192.0.2.10', 's=-', 'c=IN IP6 ::ffff:192.0.2.10', 't=0 0', 'm=audio 6000 RTP/AVP 0', ''] }),
    ipv6_three_colons: v6('OPTIONS', 'sip:user@[2001:db8:::192.0.2.1]', { id: 'three' }),
});

/** As it is sent from here. */
export function sendable(name) {
    const text = MESSAGES[name].toString('latin1');
    return Buffer.from(text.replace(/^Via: [^\r,]*/m, (v) => v.includes('rport') ? v : `${v};rport`), 'latin1');
}
