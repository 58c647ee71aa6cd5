//! Values that FOCUS 1.2 allows: categories of services, and the currencies of ISO 4217.

/// The categories of services, each with its subcategories; `Other (CATEGORY)` belongs to every one.
const SERVICES: [(&str, &[&str]); 19] = [
    (
        "AI and Machine Learning",
        &["AI Platforms", "Bots", "Generative AI", "Machine Learning", "Natural Language Processing"],
    ),
    (
        "Analytics",
        &["Analytics Platforms", "Business Intelligence", "Data Processing", "Search", "Streaming Analytics"],
    ),
    ("Business Applications", &["Productivity and Collaboration"]),
    (
        "Compute",
        &["Containers", "End User Computing", "Quantum Compute", "Serverless Compute", "Virtual Machines"],
    ),
    (
        "Databases",
        &[
            "Caching",
            "Data Warehouses",
            "Ledger Databases",
            "NoSQL Databases",
            "Relational Databases",
            "Time Series Databases",
        ],
    ),
    (
        "Developer Tools",
        &[
            "Developer Platforms",
            "Continuous Integration and Deployment",
            "Development Environments",
            "Source Code Management",
            "Quality Assurance",
        ],
    ),
    ("Identity", &["Identity and Access Management"]),
    ("Integration", &["API Management", "Messaging", "Workflow Orchestration"]),
    ("Internet of Things", &["IoT Analytics", "IoT Platforms"]),
    (
        "Management and Governance",
        &[
            "Architecture",
            "Compliance",
            "Cost Management",
            "Data Governance",
            "Disaster Recovery",
            "Endpoint Management",
            "Observability",
            "Support",
        ],
    ),
    ("Media", &["Content Creation", "Gaming", "Media Streaming", "Mixed Reality"]),
    ("Migration", &["Data Migration", "Resource Migration"]),
    ("Mobile", &[]),
    ("Multicloud", &["Multicloud Integration"]),
    (
        "Networking",
        &[
            "Application Networking",
            "Content Delivery",
            "Network Connectivity",
            "Network Infrastructure",
            "Network Routing",
            "Network Security",
        ],
    ),
    ("Security", &["Secret Management", "Security Posture Management", "Threat Detection and Response"]),
    ("Storage", &["Backup Storage", "Block Storage", "File Storage", "Object Storage", "Storage Platforms"]),
    ("Web", &["Application Platforms"]),
    ("Other", &[]),
];

/// The currencies that are in use.
const CURRENCIES: &str = "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN \
    BWP BYN BZD CAD CDF CHF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP \
    GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK \
    LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB \
    PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB \
    TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VES VND VUV WST XAF XCD XOF XPF YER ZAR ZMW ZWG";

/// Whether a currency has this code.
pub(super) fn is_currency(code: &str) -> bool {
    CURRENCIES.split_whitespace().any(|known| known == code)
}

/// The names of the categories.
pub(super) fn categories() -> impl Iterator<Item = &'static str> {
    SERVICES.iter().map(|(category, _)| *category)
}

/// Whether a category is one of them.
pub(super) fn is_category(category: &str) -> bool {
    categories().any(|known| known == category)
}

/// The subcategory for what is none of the others of its category.
pub(super) fn other_of(category: &str) -> String {
    format!("Other ({category})")
}

/// Whether a subcategory belongs to a category.
pub(super) fn belongs(category: &str, subcategory: &str) -> bool {
    let own = SERVICES.iter().find(|(known, _)| *known == category);
    own.is_some_and(|(_, subcategories)| subcategories.contains(&subcategory))
        || subcategory == other_of(category)
}
